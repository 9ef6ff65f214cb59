"""Who may import whom, and who may ask the machine for the time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import janitor

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(janitor.__file__).parent
MODULES = {
    ".".join(("janitor", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
CLOCKS = {"janitor.wiring", "janitor.local.clock"}
TIME_CALLS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep"},
}
BOTO_USERS = (
    *("janitor.aws", "janitor.local", "janitor.demo", "janitor.reuse.calling"),
    *("janitor.wiring", "janitor.function_wiring", "janitor.widget_wiring"),
)


def tree(module: str) -> ast.Module:
    """Parse a module."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it, for types too."""
    is_package = MODULES[module].name == "__init__.py"
    for node in ast.walk(tree(module)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                parts = module.split(".")
                parent = parts[: len(parts) - level + is_package] if level else []
                whole = ".".join((*parent, *([source] if source else [])))
                yield whole
                yield from (f"{whole}.{each.name}" for each in names)
            case _:
                pass


def within(name: str, *packages: str) -> bool:
    """Say whether a name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def inside(*packages: str) -> list[str]:
    """Return the modules in some packages."""
    found = [module for module in MODULES if within(module, *packages)]
    assert found, f"there is no module in {packages}: the test would pass without looking"
    return found


@pytest.mark.parametrize("module", inside("janitor.core"))
def test_the_core_imports_the_standard_library_and_itself_alone(module: str) -> None:
    """It is pure: nothing of ours but the core, nothing from elsewhere."""
    for name in imported(module):
        assert within(name, "janitor.core") or name.split(".")[0] in sys.stdlib_module_names, name


@pytest.mark.parametrize("module", inside("janitor.core"))
def test_the_core_asks_neither_the_environment_nor_a_log(module: str) -> None:
    """What it decides follows from its arguments."""
    assert not {"os", "logging", "time", "socket", "subprocess"} & {name.split(".")[0] for name in imported(module)}


@pytest.mark.parametrize("module", inside("janitor.store"))
def test_the_store_imports_ports_errors_and_core_alone(module: str) -> None:
    """Where its contents lie is an adapter's business."""
    for name in imported(module):
        if within(name, "janitor"):
            assert within(name, "janitor.store", "janitor.ports", "janitor.errors", "janitor.core"), name


@pytest.mark.parametrize("module", inside("janitor.sweep"))
def test_the_sweep_imports_ports_errors_and_core_alone(module: str) -> None:
    """What it does to the world goes through a port."""
    for name in imported(module):
        assert within(name, "janitor.sweep", "janitor.core", "janitor.ports", "janitor.errors") or (
            name.split(".")[0] in sys.stdlib_module_names
        ), name


@pytest.mark.parametrize("module", ["janitor.reuse.fingerprint", "janitor.reuse.protocol", "janitor.reuse.upkeep"])
def test_reuse_imports_ports_errors_and_core_alone(module: str) -> None:
    """What it does to the world goes through a port."""
    for name in imported(module):
        assert within(name, "janitor.core", "janitor.ports", "janitor.errors") or (
            name.split(".")[0] in sys.stdlib_module_names
        ), name


def test_airflow_is_imported_by_its_operator_alone() -> None:
    """Nobody else needs it."""
    users = {module for module in MODULES for name in imported(module) if within(name, "airflow")}
    assert users == {"janitor.reuse.airflow"}


def test_whoever_reuses_imports_neither_the_command_line_nor_the_function() -> None:
    """A DAG file is read again and again."""
    heavy = ["airflow", "aws_lambda_powertools", "cattrs", "click", "rich"]
    script = f"import sys, janitor.reuse; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", inside("janitor.aws"))
def test_the_aws_adapters_do_not_know_the_sweep(module: str) -> None:
    """They are told apart by the ports."""
    ours = [name for name in imported(module) if within(name, "janitor")]
    for name in ours:
        assert within(name, "janitor.aws", "janitor.core", "janitor.ports", "janitor.errors"), name


@pytest.mark.parametrize("module", ["janitor.ports", "janitor.errors"])
def test_ports_and_errors_import_the_core_at_most(module: str) -> None:
    """Everything may import them."""
    assert all(within(name, "janitor.core") for name in imported(module) if within(name, "janitor"))


@pytest.mark.parametrize("module", [module for module in MODULES if not within(module, *BOTO_USERS)])
def test_boto_is_imported_by_aws_local_wiring_and_demo_alone(module: str) -> None:
    """Its stubs too: nobody else knows a response dict."""
    for name in imported(module):
        assert not within(name.split(".")[0], "boto3", "botocore", "mypy_boto3_ecs"), name


@pytest.mark.parametrize("module", [module for module in MODULES if module not in CLOCKS])
def test_nobody_but_the_wiring_and_the_virtual_clock_asks_the_machine_for_the_time(module: str) -> None:
    """Time is an argument."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).split(".")[-1]
            assert node.attr not in TIME_CALLS.get(owner, set()), f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            names = {each.name for each in node.names}
            assert not names & TIME_CALLS["time"], f"line {node.lineno}"


def test_the_scan_sees_what_it_forbids() -> None:
    """The one who may ask for the time is seen to do so, and imports for types are seen too."""
    asked = {ast.unparse(node) for node in ast.walk(tree("janitor.wiring")) if isinstance(node, ast.Attribute)}
    assert {"datetime.now", "time.sleep", "time.monotonic"} <= asked
    assert {"botocore", "mypy_boto3_ecs"} <= {name.split(".")[0] for name in imported("janitor.aws.client")}
