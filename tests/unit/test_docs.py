"""What the README says is what the code does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from janitor.core.model import Reason
from janitor.core.report import Cause
from janitor.render.words import REASONS
from janitor.settings import Flags, load
from tests import docs
from tests.unit.test_actions import declared
from tests.unit.test_imports import inside

if TYPE_CHECKING:
    from pathlib import Path

README = docs.README.read_text(encoding="utf-8")


def test_the_made_parts_of_the_readme_are_what_the_code_makes() -> None:
    """Report, permissions, reasons, options, environment and exit codes; ``python -m tests.docs`` rewrites them."""
    assert docs.written(README) == README


def test_the_policy_in_the_readme_is_a_policy(tmp_path: Path) -> None:
    """Whoever copies the example gets the rules that it describes."""
    policy = tmp_path / "policy.toml"
    example = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    policy.write_text(example[1], encoding="utf-8")
    settings = load(Flags(policy=policy))
    assert [rule.families.value for rule in settings.policy.rules] == [("airflow-*",), ("billing-*",)]
    assert settings.policy.exclude.value == ("*-prod",)
    assert settings.max_deletions == 50_000


def test_every_reason_has_its_words() -> None:
    """A new reason cannot be forgotten in reports."""
    assert set(REASONS) == set(Reason)


def test_the_first_exit_cause_decides_in_the_order_the_readme_gives() -> None:
    """2, 1, 4, 3: the causes stand in that order."""
    from janitor.cli.output import _CODE  # noqa: PLC0415 - the one private name a test of the contract needs

    assert [_CODE[cause] for cause in Cause] == [1, 1, 4, 3]


def test_the_readme_names_every_permission_that_is_declared_beside_a_call() -> None:
    """A new call cannot be forgotten where somebody grants rights."""
    every = {action for module in inside("janitor.aws") for action in declared(module)}
    assert not {action for action in every if action not in README}
