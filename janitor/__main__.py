"""``python -m janitor`` is ``janitor``."""

from janitor.cli import main

main()
