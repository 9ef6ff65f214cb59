"""Prevention: a revision is registered again only where something in its definition has changed.

``reuse_or_register`` is the whole of it for any program; ``janitor.reuse.airflow`` has it as an operator.
"""

from janitor.reuse.calling import reuse_or_register
from janitor.reuse.protocol import How, Reused, Terms

__all__ = ["How", "Reused", "Terms", "reuse_or_register"]
