"""Mistakes planted in reuse, each of which some test has to catch; ``tests.infra.mutations`` plants them.

``python -m tests.unit.reuse.mutations`` says which tests caught each, and ends with 1 if one survived.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.infra.mutations import main, mistakes_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MISTAKES = mistakes_in(Path(__file__).with_name("mistakes.toml"))

_PYTEST = ("-m", "pytest", "-n", "0", "-q", "-x")

LAYERS: Mapping[str, Sequence[str]] = {
    "protocol": (*_PYTEST, "tests/unit/reuse/test_protocol.py"),
    "interleavings": (*_PYTEST, "tests/unit/reuse/test_interleavings.py"),
    "form": (*_PYTEST, "tests/unit/reuse/test_fingerprint.py", "-k", "not moto"),
    "table": (*_PYTEST, "tests/contract/test_lookup_table.py"),
    "registry": (*_PYTEST, "tests/unit/aws/test_registry.py"),
}

if __name__ == "__main__":
    sys.exit(main(mistakes=MISTAKES, layers=LAYERS))
