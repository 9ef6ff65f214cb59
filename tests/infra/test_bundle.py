from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra.bundle import COMMAND_LINE_ONLY, POLICY, PROJECT, VENDORED, NotBuildable, build, main, pinned
from tests.e2e.lambda_runtime import RUNTIME, lambda_python

MOST_BYTES = 3_000_000
POLICY_TEXT = '[[rule]]\nfamilies = ["*"]\nretention = "90d"\n'

LOOK = """
import importlib, json, pkgutil, sys, time
sys.path[:0] = {path!r}
started = time.perf_counter()
import janitor.handler
seconds = time.perf_counter() - started
loaded = {{name.split(".")[0] for name in sys.modules}}
import janitor
names = [each.name for each in pkgutil.walk_packages(janitor.__path__, "janitor.")]
for name in names:
    importlib.import_module(name)
import cattrs
from janitor.wiring import VERSION
print(json.dumps({{"file": janitor.handler.__file__, "version": VERSION, "modules": names, "loaded": sorted(loaded),
                   "cattrs": cattrs.__file__, "seconds": seconds}}))
"""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the function's zip."""
    return _built(tmp_path_factory.mktemp("bundle") / "function.zip")


def _built(target: Path, policy: Path | None = None) -> Path:
    try:
        return build(target, policy=policy)
    except NotBuildable as reason:
        pytest.skip(f"the zip cannot be built: {reason}")


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide what Lambda's runtime brings: boto3 and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    uv = [shutil.which("uv") or sys.executable, *([] if shutil.which("uv") else ["-m", "uv"])]
    boto3 = [each for each in RUNTIME if each.startswith("boto3==")]
    command = [*uv, "pip", "install", "--python", lambda_python(), "--target", str(folder), *boto3]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)  # noqa: S603 - our own command
    if done.returncode:
        pytest.skip(f"boto3 cannot be installed: {done.stderr.strip()}")
    return folder


def _names(bundle: Path) -> list[str]:
    with zipfile.ZipFile(bundle) as archive:
        return archive.namelist()


def test_two_builds_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    """Whatever the clock and the folder."""
    assert _built(tmp_path / "elsewhere" / "again.zip").read_bytes() == bundle.read_bytes()


def test_the_zip_is_small(bundle: Path) -> None:
    """So small that a cold start does not wait for it."""
    assert bundle.stat().st_size <= MOST_BYTES


def test_entries_are_sorted_dated_alike_and_readable_by_all(bundle: Path) -> None:
    """Lambda runs the function as another user."""
    with zipfile.ZipFile(bundle) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})
    assert {(entry.date_time, entry.external_attr >> 16, entry.create_system) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, 3)
    }


def test_the_zip_holds_the_function_and_what_it_needs_alone(bundle: Path) -> None:
    """No tests, no caches, no compiled code, nothing that the runtime brings or that only the command line uses."""
    names = _names(bundle)
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {name.split("/")[0] for name in names} == {
        "attr",
        "attrs",
        "aws_lambda_powertools",
        "cattr",
        "cattrs",
        f"ecs_revision_janitor-{version}.dist-info",
        "janitor",
        "jinja2",
        "markupsafe",
        "typing_extensions.py",
    }
    assert {Path(name).suffix for name in names} == {".py", ".html", ""}
    assert [name for name in names if not name.endswith((".py", ".html"))] == [
        f"ecs_revision_janitor-{version}.dist-info/METADATA"
    ]
    assert {name.rpartition("/")[0] for name in names if name.endswith(".html")} == {"janitor/render/html/templates"}
    ours = {name.removeprefix("janitor/") for name in names if name.startswith("janitor/")}
    assert not {part for name in ours for part in (name, name.split("/")[0])} & COMMAND_LINE_ONLY
    assert not any("__pycache__" in name or "/tests/" in name for name in names)


def test_what_is_left_out_exists() -> None:
    """A renamed module would otherwise slip in."""
    assert all((PROJECT / "janitor" / each).exists() for each in COMMAND_LINE_ONLY)


def test_each_module_in_the_zip_imports_with_the_runtimes_boto3_alone(bundle: Path, runtime: Path) -> None:
    """The handler starts from the zip, on Lambda's Python where there is one; nothing of the command line is missed."""
    look = LOOK.format(path=[str(bundle), str(runtime)])
    done = subprocess.run(  # noqa: S603 - our own command
        [lambda_python(), "-I", "-S", "-B", "-c", look], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    modules = [name for name in _names(bundle) if name.startswith("janitor/") and name.endswith(".py")]
    shipped = {name.removesuffix(".py").replace("/", ".") for name in modules}
    assert found["file"].startswith(str(bundle))
    assert found["cattrs"].startswith(str(bundle))
    assert found["version"] == tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {*found["modules"], "janitor"} == {name.removesuffix(".__init__") for name in shipped}
    assert {"boto3", "aws_lambda_powertools"} <= set(found["loaded"])
    assert not {"aws_xray_sdk", "click", "pydantic", "rich"} & set(found["loaded"])


def test_what_is_vendored_has_the_pinned_version(bundle: Path) -> None:
    """The one that the tests ran with."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    requirements = pinned(project)
    assert [each.split("==")[0] for each in requirements] == list(VENDORED)
    assert set(requirements) <= set(project["tool"]["uv"]["constraint-dependencies"])
    with zipfile.ZipFile(bundle) as archive:
        powertools = archive.read("aws_lambda_powertools/shared/version.py").decode()
    assert next(each for each in requirements if "powertools" in each).split("==")[1] in powertools


def test_a_dependency_without_a_pin_is_named() -> None:
    """It would be another one tomorrow."""
    with pytest.raises(NotBuildable, match="no version is pinned for attrs, cattrs"):
        pinned({"tool": {"uv": {"constraint-dependencies": ["aws-lambda-powertools==1", "typing-extensions==1"]}}})


def test_the_policy_lies_beside_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where JANITOR_POLICY is looked for, by the one name it has in the zip; the command says what it made."""
    policy = tmp_path / "mine.toml"
    policy.write_text(POLICY_TEXT)
    target = tmp_path / "function.zip"
    try:
        main([str(target), "--policy", str(policy)])
    except NotBuildable as reason:
        pytest.skip(f"the zip cannot be built: {reason}")
    with zipfile.ZipFile(target) as archive:
        assert archive.read(POLICY).decode() == POLICY_TEXT
    assert capsys.readouterr().out == f"{target}: {target.stat().st_size:,} bytes\n"
