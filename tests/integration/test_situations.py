"""Some of the situations of ``tests.bench.situations`` in each run of the tests, and that mistakes would be noticed."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from janitor.core import retention
from janitor.sweep import gather
from tests.bench.situations import judged

if TYPE_CHECKING:
    from types import ModuleType

SEEDS = range(1_000_000, 1_000_060)
"""Others than the benchmark's."""


def test_in_thousands_of_situations_the_sweep_does_what_the_oracle_says() -> None:
    """Nothing in use, young, ACTIVE, tagged or among the newest is submitted, and everything else that is due is."""
    tally = judged(SEEDS)
    assert tally.disagreements == []
    assert tally.situations > 3_000
    assert tally.submitted > 300
    reasons = {"young", "among_newest", "tagged", "in_use", "usage_unknown", "no_date", "just_deregistered"}
    assert reasons <= set(tally.kept)
    assert {"deleted", "refused", "failed"} <= set(tally.outcomes)


JUDGE = {
    "the edge of retention": ("if since > cutoff(rule, now):", "if since >= cutoff(rule, now):"),
    "a longer retention": ("return now - rule.retention.value", "return now - 2 * rule.retention.value"),
    "a shorter retention": ("return now - rule.retention.value", "return now - rule.retention.value / 2"),
    "the edge of the hour": ("if now - inactive_since < SETTLED:", "if now - inactive_since <= SETTLED:"),
    "no hour": ("if now - inactive_since < SETTLED:", "if False:"),
    "users": ("if revision.id.number in used.reasons:", "if False:"),
    "unknown users": ("if used.unreadable:", "if False:"),
    "tags": ("    if kept_by:", "    if False:"),
    "status": ("if revision.status is not Status.INACTIVE:", "if revision.status is Status.ACTIVE:"),
    "missing dates": (
        "inactive_since = revision.deregistered_at\n",
        "inactive_since = revision.deregistered_at or since\n",
    ),
    "contradictory dates": ("inactive_since < revision.registered_at:", "False:"),
}


def noticed() -> str | None:
    """Return the first disagreement, if there is one."""
    return next((each for seed in SEEDS for each in judged((seed,)).disagreements), None)


def mutated(module: ModuleType, *changes: tuple[str, str]) -> ModuleType:
    """Return a module with some of its text replaced."""
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123 - a path as text
        source = file.read()
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    spec = importlib.util.spec_from_loader(f"{module.__name__}_mutated", loader=None)
    assert spec is not None
    mutant = importlib.util.module_from_spec(spec)
    sys.modules[mutant.__name__] = mutant  # dataclasses look there
    exec(compile(source, module.__file__, "exec"), mutant.__dict__)  # noqa: S102 - our own text
    return mutant


@pytest.mark.parametrize("mistake", JUDGE)
def test_a_mistake_in_a_rule_would_be_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge, a question left out: the oracle disagrees."""
    mutant = mutated(retention, JUDGE[mistake])
    monkeypatch.setattr("janitor.sweep.tally.judge", mutant.judge)
    assert noticed()


def test_forgetting_the_newest_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held back twice, by whoever gathers and by the rule: both have to forget them."""
    careless = mutated(gather, ("if len(above) > self._keep_newest:", "if True:"))
    monkeypatch.setattr("janitor.sweep.run.Gathering", careless.Gathering)
    assert "was submitted" in (noticed() or "")
