"""Mistakes planted in reuse, each of which some test has to catch; ``tests.infra.mutations`` plants them.

``python -m tests.unit.reuse.mutations`` says which tests caught each, and ends with 1 if one survived. Asked are the
tests of the module in which a mistake is planted alone.
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

LAYERS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "janitor/reuse/protocol.py": {
        "protocol": (*_PYTEST, "tests/unit/reuse/test_protocol.py"),
        "interleavings": (*_PYTEST, "tests/unit/reuse/test_interleavings.py"),
    },
    "janitor/reuse/fingerprint.py": {
        "form": (*_PYTEST, "tests/unit/reuse/test_fingerprint.py", "-k", "not moto"),
    },
    "janitor/aws/lookup_": {"table": (*_PYTEST, "tests/contract/test_lookup_table.py")},
    "janitor/aws/registry.py": {"registry": (*_PYTEST, "tests/unit/aws/test_registry.py")},
}
"""How the paths of some modules begin, and who has to see a mistake in them."""

if __name__ == "__main__":
    results = [
        main(mistakes=[each for each in MISTAKES if each.file.startswith(file)], layers=layers)
        for file, layers in LAYERS.items()
    ]
    sys.exit(max(results))
