"""Gather, decide, apply, as a stream.

Page of numbers → boundary → descriptions → verdicts → batches of ten. Each family is listed from its lowest number up;
what lies beyond the boundary is never described, so the cost follows what is judged and not what exists. Batches are
filled across families. A cursor may skip or repeat what moves behind it, so a family in which something was deleted is
listed again, round by round, until a round finds nothing more to delete.
"""
