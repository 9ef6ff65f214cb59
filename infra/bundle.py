"""The function's zip: ``python -m infra.bundle out.zip``. The same checkout makes the same bytes every time.

In it: the package without the command line, what it needs beside the runtime's own boto3, a policy file if one is
given, and nothing else.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]

HANDLER = "janitor.handler.handler"
WIDGET_HANDLER = "janitor.widget_handler.handler"
PYTHON = "3.13"
PLATFORM = "aarch64-manylinux2014"

POLICY = "policy.toml"
"""The policy file's name in the zip, for ``JANITOR_POLICY``."""

VENDORED = ("attrs", "aws-lambda-powertools", "cattrs", "jinja2", "markupsafe", "typing-extensions")
"""What the function needs. Powertools' jmespath, and boto3 with all of its own, come with the runtime."""

SPEEDUPS = "markupsafe/_speedups."
"""Compiled code that has a stand-in in Python, and is left out: so the zip runs on any processor."""

COMMAND_LINE_ONLY = frozenset(
    {
        *("__main__.py", "cli", "demo.py", "doctor.py", "local", "permissions.py"),
        *("probe", "render/checks.py", "render/difference.py", "render/table.py", "schemas"),
        *("reuse/airflow.py", "settings/report_file.py", "terminal.py"),
        *(f"render/html/{name}.py" for name in ("ages", "charts", "families", "figures", "page", "shares")),
        *(f"render/html/templates/{name}.html" for name in ("macros", "page")),
    }
)
"""Files and folders of the package that the function does without: they need click, rich or jsonschema, draw the
page, or are ECS."""

OURS = frozenset({".py", ".html"})
"""Endings of the package's files that go into the zip: modules and templates."""

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_REGULAR_FILE = 0o100644 << 16  # readable by the user that Lambda runs the function as
_UNIX = 3
_INSTALL_SECONDS = 300


class NotBuildable(Exception):
    """The zip cannot be made here."""


def build(target: Path, *, policy: Path | None = None) -> Path:
    """Write the zip to ``target`` and return it; ``policy`` is put beside the package as ``policy.toml``.

    Raises:
        NotBuildable: if a dependency has no pinned version or cannot be installed.
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contents = dict(_package()) | dict(_metadata(project["project"]))
    if policy is not None:
        contents[POLICY] = policy.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        _install(pinned(project), Path(folder))
        contents |= dict(_vendored(Path(folder)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, date_time=_TIME)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)
    return target


def pinned(project: dict[str, Any]) -> list[str]:
    """Return what is vendored, each at the version that the project is tested with."""
    pins = dict(pin.split("==") for pin in project["tool"]["uv"]["constraint-dependencies"])
    missing = sorted(set(VENDORED) - pins.keys())
    if missing:
        raise NotBuildable(f"no version is pinned for {', '.join(missing)}")
    return [f"{name}=={pins[name]}" for name in VENDORED]


def _package() -> Iterator[tuple[str, bytes]]:
    package = PROJECT / "janitor"
    for path in package.rglob("*.*"):
        inside = path.relative_to(package)
        if path.suffix in OURS and {inside.as_posix(), inside.parts[0]}.isdisjoint(COMMAND_LINE_ONLY):
            yield f"janitor/{inside.as_posix()}", path.read_bytes()


def _metadata(project: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield the least from which ``importlib.metadata`` tells the version."""
    name, version = project["name"], project["version"]
    folder = f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info"
    yield f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


def _install(requirements: list[str], folder: Path) -> None:
    """Install for Lambda's platform, these and nothing that they ask for."""
    uv = [shutil.which("uv")] if shutil.which("uv") else [sys.executable, "-m", "uv"]
    where = ["--python", sys.executable, "--python-platform", PLATFORM, "--python-version", PYTHON, "--target", folder]
    command: list[Any] = [*uv, "pip", "install", "--no-deps", "--only-binary", ":all:", *where, *requirements]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)  # noqa: S603 - our own command
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuildable(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise NotBuildable(str(error.stderr).strip()) from error


def _vendored(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the modules: scripts, stubs, metadata and the pages of an API's documentation are of no use here."""
    for path in folder.rglob("*.*"):
        inside = path.relative_to(folder)
        if path.suffix in {".so", ".pyd"} and not inside.as_posix().startswith(SPEEDUPS):
            raise NotBuildable(f"{inside} is compiled: only pure Python is vendored")
        if path.suffix == ".py" and inside.parts[0] != "bin":
            yield inside.as_posix(), path.read_bytes()


def main(arguments: list[str] | None = None) -> None:
    """Build the zip that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.bundle", description="Build the function's zip.")
    parser.add_argument("target", type=Path, help="the zip to write")
    parser.add_argument("--policy", type=Path, help=f"the policy file to put in, as {POLICY}")
    asked = parser.parse_args(arguments)
    built = build(asked.target, policy=asked.policy)
    sys.stdout.write(f"{built}: {built.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
