"""What the README says about the stack is what the program declares; the planted mistakes can still be planted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.settings import ROOT
from janitor.core.metric import TRAITS, Statistic
from tests.infra.mutations import stale
from tests.infra.program import schema

if TYPE_CHECKING:
    from tests.infra.program import Deployed

TIMES = "\N{MULTIPLICATION SIGN}"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_costs_count_the_metrics_and_alarms_that_there_are(prod: Deployed) -> None:
    """Each family has the gauges, the stack has all; an alarm is charged by the metrics that it watches."""
    gauges = sum(traits.over_time is not Statistic.SUM for traits in TRAITS.values())
    families = schema()["metricFamilies"]["default"]
    total = len(TRAITS) + families * gauges
    assert (
        f"({len(TRAITS)} + {families} families {TIMES} {gauges} = {total}) {TIMES} 0.30 | {total * 0.3:.2f} |" in README
    )
    assert f"| {total} {TIMES} 0.30 {TIMES} 30 of 730 hours | {total * 0.3 * 30 / 730:.2f} |" in README
    alarms = [each.inputs for each in prod.of("MetricAlarm")]
    watched = sum(sum("metric" in query for query in each.get("metricQueries", [{"metric": 1}])) for each in alarms)
    assert f"{watched} metrics {TIMES} 0.10, the first ten are free | {watched * 0.1:.2f} |" in README
    assert len(alarms) == 11
    assert "eleven alarms" in README


def test_the_readme_deploys_in_five_commands() -> None:
    """No more, and in this order."""
    block = re.search(r"up in five commands.*?```sh\n(.*?)```", README, re.DOTALL)
    assert block is not None
    assert [line.split("#")[0].strip() for line in block[1].splitlines()] == [
        "uv sync",
        "pulumi login",
        "pulumi stack init dev",
        "pulumi config set region eu-central-1",
        "pulumi up",
    ]


def test_every_planted_mistake_still_finds_its_place() -> None:
    """A mistake that cannot be planted any more would look as if it were caught."""
    assert not stale()
