"""Mistakes planted in the Pulumi program, each of which some layer of the tests has to catch.

``python -m tests.infra.mutations`` copies the checkout, plants there what ``mistakes.toml`` lists, one after the other,
and says which layer caught it: the first one, or with ``--all`` every one. It ends with 1 if one survived. A word
narrows it to the mistakes that name it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]

LAYERS: Mapping[str, Sequence[str]] = {
    "types": ("-m", "mypy", "infra"),
    "inputs": (
        "-m",
        "pytest",
        "-n",
        "0",
        "-q",
        "-x",
        *(f"tests/infra/test_{n}.py" for n in ("program", "watching", "widget")),
    ),
    "config": ("-m", "pytest", "-n", "0", "-q", "-x", "tests/infra/test_bad_config.py"),
    "cfn-lint": ("-m", "pytest", "-n", "0", "-q", "-x", "tests/infra/test_cloudformation.py"),
    "alarms": ("-m", "pytest", "-n", "0", "-q", "-x", "tests/infra/test_alarms.py"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A text in a file, and what somebody might have written instead."""

    what: str
    file: str
    right: str
    wrong: str


def mistakes_in(path: Path) -> list[Mistake]:
    """Return the mistakes that a file lists."""
    return [Mistake(**each) for each in tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]]


MISTAKES = mistakes_in(Path(__file__).with_name("mistakes.toml"))


def stale(mistakes: Sequence[Mistake] = tuple(MISTAKES)) -> list[Mistake]:
    """Return the mistakes that could not be planted: their right text is not in its file, or more than once."""
    return [each for each in mistakes if (ROOT / each.file).read_text(encoding="utf-8").count(each.right) != 1]


def main(
    arguments: Sequence[str] | None = None,
    mistakes: Sequence[Mistake] = tuple(MISTAKES),
    layers: Mapping[str, Sequence[str]] = LAYERS,
) -> int:
    """Plant the mistakes; return 1 if one survived, 2 if something is caught where nothing was planted."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.mutations", description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="only mistakes that name this")
    parser.add_argument("--all", action="store_true", help="ask every layer, not only until one has caught it")
    asked = parser.parse_args(arguments)
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        keep = shutil.ignore_patterns(".git", ".venv", ".hypothesis", "__pycache__", ".build")
        shutil.copytree(ROOT, copy, ignore=keep, symlinks=True)
        sound = Mistake(what="nothing", file="Pulumi.yaml", right="name", wrong="name")
        if list(_caught(sound, copy, layers, every=True)):
            sys.stderr.write("the program is not sound as it is: run the tests first\n")
            return 2
        for each in mistakes:
            if asked.word not in f"{each.file} {each.what}":
                continue
            caught = list(_caught(each, copy, layers, every=asked.all))
            survived += not caught
            sys.stdout.write(f"{', '.join(caught) or 'SURVIVED':24} {each.file}: {each.what}\n")
            sys.stdout.flush()
    return int(survived > 0)


def _caught(mistake: Mistake, copy: Path, layers: Mapping[str, Sequence[str]], *, every: bool) -> Iterator[str]:
    """Yield the layers that catch a mistake."""
    path = copy / mistake.file
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(mistake.right, mistake.wrong), encoding="utf-8")
    try:
        for layer, command in layers.items():
            if subprocess.run(  # noqa: S603 - our own command
                [sys.executable, *command],
                cwd=copy,
                env={**os.environ, "PYTHONPATH": str(copy)},
                check=False,
                capture_output=True,
            ).returncode:
                yield layer
                if not every:
                    return
    finally:
        path.write_text(right, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
