"""cfn-lint over the resources restated as CloudFormation: enumerations, ranges, IAM's actions, runtimes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cfnlint import api  # type: ignore[import-untyped]  # it has no types

from tests.infra.cloudformation import template
from tests.infra.stacks import STACKS

if TYPE_CHECKING:
    from tests.infra.program import Deployed

SILENT = ["I3011", "I4010", "I3042"]
"""Advice on deletion policies, on metadata, and on partitions that an ARN names: here they are all resolved."""


def _complaints(restated: dict[str, Any], region: str) -> list[tuple[str, str, str]]:
    """Return what cfn-lint says: rule, resource, words."""
    config = api.ManualArgs(regions=[region], ignore_checks=SILENT, include_checks=["I"])
    found = api.lint(json.dumps(restated, indent=1), config=config)
    return [(each.rule.id, str(each.path[1]), each.message) for each in found]


def test_cfn_lint_finds_nothing(deployed: Deployed) -> None:
    """Neither error nor warning nor advice, but for what is silenced by name."""
    region = STACKS[deployed.environment["JANITOR_STACK"]]["region"]
    assert not _complaints(template(deployed), region)


def test_every_resource_is_restated(deployed: Deployed) -> None:
    """Or is a part of one that is."""
    parts = [each for each in deployed.of_aws if each.kind.startswith(("aws:s3/bucket", "aws:cloudwatch/eventTarget"))]
    kept = [each for each in parts if each.kind.endswith((":Bucket", ":BucketPolicy"))]
    assert len(template(deployed)["Resources"]) == len(deployed.of_aws) - len(parts) + len(kept)


SEEN = {
    "AWS::Lambda::Function": ({"Runtime": "python3.7", "MemorySize": 64}, {"E2531", "E3034"}),
    "AWS::CloudWatch::Alarm": ({"ComparisonOperator": "AtLeast"}, {"E3030"}),
    "AWS::Logs::LogGroup": ({"RetentionInDays": 100}, {"E3030"}),
    "AWS::SQS::Queue": ({"MessageRetentionPeriod": 2_000_000}, {"E3034"}),
}
"""Mistakes by type of resource, and the rules that they break."""


def test_cfn_lint_sees_what_it_is_asked_for(prod: Deployed) -> None:
    """A linter that is silent about everything would prove nothing."""
    restated = template(prod)
    expected = set()
    for kind, (change, rules) in SEEN.items():
        name, resource = next(each for each in restated["Resources"].items() if each[1]["Type"] == kind)
        resource["Properties"] |= change
        expected |= {(rule, name) for rule in rules}
    assert {(rule, name) for rule, name, _ in _complaints(restated, "eu-west-1")} == expected
