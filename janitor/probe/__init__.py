"""The probe: asks a real account what AWS does not document, on a family of its own that it deletes again.

``questions`` asks, ``answers`` holds what was found, in the form of the embedded ECS's parameters.
"""
