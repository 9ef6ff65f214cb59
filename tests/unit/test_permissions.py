"""The IAM policy to lend says what the policy says: no more is allowed, and nothing that it deletes is denied."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.aws import lookup_table
from janitor.core.grants import grants
from janitor.core.model import Mode, UsageSource
from janitor.core.orphans import COUNTED
from janitor.core.retention import DEFAULT_KEEP_TAGS
from janitor.errors import BadInput
from janitor.permissions import LONGEST, READING, document, length, statements
from janitor.settings import Flags, load
from tests.builders import policy, rule
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from janitor.core.retention import Policy, Rule

DELETE = "ecs:DeleteTaskDefinitions"
WRITES = ("Create", "Delete", "Deregister", "Put", "Register", "Tag", "Untag", "Update", "Run", "Start", "Stop")


def permits(made: Sequence[dict[str, Any]], action: str, arn: str, tags: Collection[str] = ()) -> bool:
    """Decide as IAM does: a Deny that fits wins, else an Allow is needed (IAM user guide, policy evaluation logic)."""
    fitting = [each["Effect"] for each in made if _fits(each, action, arn, tags)]
    return "Allow" in fitting and "Deny" not in fitting


def _fits(statement: dict[str, Any], action: str, arn: str, tags: Collection[str]) -> bool:
    patterns: list[str] = statement.get("Resource") or statement["NotResource"]
    named = any(fnmatchcase(arn, each) for each in patterns)
    keys = statement.get("Condition", {}).get("Null", {})
    return (
        action in statement["Action"]
        and named == ("Resource" in statement)
        and all((key.removeprefix("aws:ResourceTag/") in tags) == (absent == "false") for key, absent in keys.items())
    )


def may_delete(made: Sequence[dict[str, Any]], family: str, *tags: str) -> bool:
    """Decide about a revision of a family in one account and Region."""
    return permits(made, DELETE, f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:17", tags)


def actions(made: Sequence[dict[str, Any]]) -> set[str]:
    """Return what is allowed at all."""
    return {action for each in made if each["Effect"] == "Allow" for action in each["Action"]}


def deleting(rules: Policy) -> list[dict[str, Any]]:
    """Return the statements of delete mode."""
    return statements(mode=Mode.DELETE, policy=rules)


def test_reports_are_lent_no_right_to_write() -> None:
    """Every action of report mode lists, describes, gets or looks up, with the store and the brake too."""
    made = statements(mode=Mode.REPORT, policy=policy(rule()), store="s3://bucket/janitor", brake="/janitor/brake")
    assert {each.partition(":")[2][:3] for each in actions(made)} == {"Des", "Get", "Lis", "Loo"}
    assert {action for source in READING.values() for action in source} < actions(made)
    assert not [each for each in made if each["Effect"] == "Deny"]


def test_the_function_that_reports_stores_its_last_report_and_publishes() -> None:
    """One object and one bus; still nothing in ECS."""
    made = statements(mode=Mode.REPORT, policy=policy(rule()), store="s3://bucket/a", event_bus="ops", account="1")
    read = {action for source in READING.values() for action in source}
    assert actions(made) - read == {"events:PutEvents", "s3:PutObject"}
    assert [each["Resource"] for each in made[-2:]] == [
        ["arn:aws:s3:::bucket/a/report/last.json"],
        ["arn:aws:events:*:1:event-bus/ops"],
    ]
    assert not [each for each in actions(made) if each.startswith(tuple(f"ecs:{verb}" for verb in WRITES))]


def test_deletion_is_the_only_write_in_ecs_and_narrowed_to_place_and_families() -> None:
    """Other accounts, Regions and families stay out of reach."""
    made = statements(mode=Mode.DELETE, policy=policy(rule("etl-*")), region="eu-west-1", account="123456789012")
    assert {each for each in actions(made) if each.startswith(tuple(f"ecs:{verb}" for verb in WRITES))} == {DELETE}
    for account, region, family in (("1", "eu-west-1", "etl-a"), ("123456789012", "eu-west-2", "etl-a")):
        assert not permits(made, DELETE, f"arn:aws:ecs:{region}:{account}:task-definition/{family}:1")
    assert may_delete(made, "etl-a")
    assert not may_delete(made, "web")


def test_excludes_kept_families_and_tags_are_denied() -> None:
    """Each rule's own tags, in its own families."""
    rules = policy(
        rule("billing-*", keep=True), rule("etl-*", keep_tags=("mine",)), rule("*", keep_tags=("b",)), exclude=("*-p",)
    )
    made = deleting(rules)
    assert [may_delete(made, family) for family in ("etl-a", "web", "web-p", "billing-a")] == [True, True, False, False]
    assert [may_delete(made, "etl-a", tag) for tag in ("mine", "b", "c")] == [False, True, True]
    assert [may_delete(made, "web", tag) for tag in ("mine", "b", "c")] == [True, False, True]


def test_the_default_policy_denies_the_default_tags() -> None:
    """Two statements, since the conditions of one must all hold."""
    made = deleting(load(Flags()).policy)
    assert may_delete(made, "web")
    assert not any(may_delete(made, "web", tag) for tag in DEFAULT_KEEP_TAGS)


def test_a_policy_that_deletes_nothing_is_lent_nothing() -> None:
    """Not even what is then denied."""
    for rules in (policy(), policy(rule(keep=True)), policy(rule("[")), policy(rule("a"), include=("[",))):
        assert deleting(rules) == statements(mode=Mode.REPORT, policy=rules)


def test_brackets_that_cannot_be_written_out_are_refused_all_at_once() -> None:
    """By their source."""
    with pytest.raises(BadInput) as refused:
        deleting(policy(rule("[!a][!b]"), exclude=("[!c][!d]",)))
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["rule for [!a][!b]", "test"]


PATTERNS = st.sampled_from(("*", "a*", "*b", "a", "ab", "?b", "[ab]b", "b*", "[a-c]", "a[", "**"))
FAMILIES = ("a", "b", "ab", "bb", "aab", "cb", "c", "-")
TAGS = ("s", "t")
RULES = st.builds(
    lambda families, tags, keep: rule(*families, keep_tags=tuple(tags), keep=keep),
    st.lists(PATTERNS, min_size=1, max_size=2),
    st.lists(st.sampled_from(TAGS), unique=True),
    st.booleans(),
)
POLICIES = st.builds(
    lambda rules, include, exclude: policy(*rules, include=tuple(include), exclude=tuple(exclude)),
    st.lists(RULES, max_size=4),
    st.lists(PATTERNS, max_size=2),
    st.lists(PATTERNS, max_size=1),
)


def deletes(rules: Policy, family: str, *tags: str) -> bool:
    """Say whether the policy may delete an old, unused revision of a family."""
    decides: Rule | None = rules.rule_for(family)
    return decides is not None and not decides.keep and not set(tags) & set(decides.keep_tags.value)


@settings(max_examples=500, deadline=None)
@given(rules=POLICIES, family=st.sampled_from(FAMILIES), tags=st.sets(st.sampled_from(TAGS)))
def test_what_the_policy_deletes_is_permitted_and_what_it_keeps_is_not(
    rules: Policy, family: str, tags: set[str]
) -> None:
    """But for what it says it cannot say; and never a family that no deleting rule names, or that is excluded."""
    made = deleting(rules)
    permitted = may_delete(made, family, *tags)
    if deletes(rules, family, *tags):
        assert permitted
    elif not grants(rules).unsaid:
        assert not permitted
    if permitted:
        assert rules.selects(family)
        assert any(each.matches(family) for each in rules.rules if not each.keep)


@given(rules=POLICIES)
def test_only_rules_that_share_a_family_leave_something_unsaid(rules: Policy) -> None:
    """And of those only where what this one keeps would be deleted by another."""
    if grants(rules).unsaid:
        matching = [{family for family in FAMILIES if each.matches(family)} for each in rules.rules]
        assert any(one & other for one, other in combinations(matching, 2))


def test_what_iam_cannot_say_is_said() -> None:
    """An earlier rule deletes in families that this one keeps for the rest."""
    (kept,) = grants(policy(rule("etl-dev-*"), rule("etl-*", keep=True), rule("*"))).unsaid
    assert kept == "rule for etl-* keeps etl-*, but an earlier rule decides for some of these families"
    (tagged,) = grants(policy(rule("etl-dev-*", keep_tags=()), rule("etl-*", keep_tags=("t",)))).unsaid
    assert tagged.startswith("rule for etl-* keeps what is tagged t in etl-*,")


@pytest.mark.parametrize(
    "rules",
    [
        policy(rule("etl-dev-*"), rule("etl-*", keep=True)),
        policy(rule("etl-dev-*", keep=True), rule("etl-*", keep=True), rule("*")),
        policy(rule("etl-dev-*", keep_tags=("t",)), rule("etl-*", keep_tags=("t",))),
        policy(rule("etl-dev-*"), rule("web", keep=True), rule("*")),
    ],
)
def test_what_iam_can_say_is_not_called_unsaid(rules: Policy) -> None:
    """Nothing after it deletes, the earlier one keeps as well, or they have no family in common."""
    assert not grants(rules).unsaid


def test_includes_become_the_resources() -> None:
    """Where the rules name families of their own, all but the includes is denied."""
    (allow,) = [
        each for each in deleting(policy(rule(keep_tags=()), include=("etl-*", "web"))) if DELETE in each["Action"]
    ]
    arn = "arn:aws:ecs:*:*:task-definition/{}:*".format
    assert allow["Resource"] == [arn("etl-*"), arn("web")]
    made = deleting(policy(rule("etl-*", keep_tags=()), include=("*-dev",)))
    allow, deny = [each for each in made if DELETE in each["Action"]]
    assert allow["Resource"] == [arn("etl-*")]
    assert (deny["Effect"], deny["NotResource"]) == ("Deny", [arn("*-dev")])


def test_a_source_that_is_not_read_is_not_lent() -> None:
    """Whatever is switched off needs no permission."""
    for source in UsageSource:
        made = statements(mode=Mode.REPORT, policy=policy(), without=[source])
        assert actions(made) == {each for other in READING if other != source for each in READING[other]}


def test_names_are_taken_word_for_word() -> None:
    """What IAM would take for a wildcard or a variable in a prefix or a name is none."""
    made = statements(mode=Mode.DELETE, policy=policy(), store="s3://bucket/a*?${b}/", brake="/x/*", event_bus="b*")
    resources = [resource for each in made for resource in each["Resource"]]
    assert "arn:aws:s3:::bucket/a${*}${?}${$}{b}/*" in resources
    assert "arn:aws:ssm:*:*:parameter/x/${*}" in resources
    assert "arn:aws:events:*:*:event-bus/b${*}" in resources


def test_the_command_prints_the_document_alone_and_explains_beside_it(tmp_path: Path) -> None:
    """What is on stdout can be pasted; no call is made."""
    ecs = small_account()
    file = tmp_path / "policy.toml"
    file.write_text(
        '[[rule]]\nfamilies = ["etl-dev-*"]\n[[rule]]\nfamilies = ["etl-*"]\nkeep = true\n[[rule]]\nfamilies = ["*"]\n'
    )
    ran = run(ecs, "iam", "--mode", "delete", "--policy", str(file), "--region", "eu-west-1", "--exclude", "web")
    assert ran.code == 0
    rules = load(Flags(policy=file, exclude=("web",))).policy
    assert json.loads(ran.out) == document(statements(mode=Mode.DELETE, policy=rules, region="eu-west-1"))
    assert "Not denied, though the janitor keeps it: rule 2 keeps etl-*" in ran.err
    assert not ecs.calls
    assert "reads alone" in run(ecs, "iam", "--mode", "report").err


def test_a_document_that_is_too_long_says_so() -> None:
    """IAM would refuse it without saying by how much."""
    families = [f"a-family-with-a-rather-long-name-{number}" for number in range(80)]
    assert length(deleting(policy(rule(*families)))) > LONGEST
    ran = run(small_account(), "iam", "--mode", "delete", *(f"--family={family}" for family in families))
    assert "more than IAM takes as one managed policy" in ran.err
    assert "IAM takes" not in run(small_account(), "iam", "--mode", "delete").err


def test_a_wrong_place_is_refused_all_at_once() -> None:
    """By the options' names."""
    ran = run(small_account(), "iam", "--mode", "delete", "--region", "Paris", "--account", "12", "--partition", "x")
    assert ran.code == 2
    assert [name in ran.err for name in ("--region", "--account", "--partition")] == [True] * 3
    assert not ran.out


DEREGISTER = "ecs:DeregisterTaskDefinition"


def test_to_deregister_is_lent_only_to_delete_and_only_where_a_rule_asks_for_it() -> None:
    """On everything: ECS knows neither resource nor condition for it."""
    asking, keeping = policy(rule("etl-*", orphans=COUNTED)), policy(rule(keep=True, orphans=COUNTED))
    lent = [each for each in statements(mode=Mode.DELETE, policy=asking) if DEREGISTER in each["Action"]]
    assert lent == [{"Sid": "DeregisterOrphans", "Effect": "Allow", "Action": [DEREGISTER], "Resource": ["*"]}]
    assert DEREGISTER not in actions(statements(mode=Mode.REPORT, policy=asking))
    for rules in (keeping, policy(rule()), load(Flags()).policy):
        assert DEREGISTER not in actions(statements(mode=Mode.DELETE, policy=rules))


def test_the_command_says_what_it_means_that_a_rule_asks_for_it(tmp_path: Path) -> None:
    """IAM cannot narrow it: whoever lends it should know."""
    file = tmp_path / "policy.toml"
    file.write_text(
        '[[rule]]\nfamilies = ["a"]\norphans = { older_than = "14d", registered_by = ["arn:aws:sts::*"] }',
        encoding="utf-8",
    )
    ran = run(small_account(), "iam", "--mode", "delete", "--policy", str(file))
    assert DEREGISTER in ran.out
    assert "It permits deregistering any task definition" in ran.err
    assert "deregistering" not in run(small_account(), "iam", "--mode", "delete").err


def test_whoever_reuses_may_write_to_the_table_and_register_in_its_families_alone() -> None:
    """A DAG's role; the janitor's own rights are others."""
    place = ("--region", "eu-west-1", "--account", "123456789012")
    ran = run(small_account(), "iam", "--mode", "reuse", "--table", "lookup", "--family", "airflow-*", *place)
    made = json.loads(ran.out)["Statement"]
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/lookup"
    definitions = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"
    assert ran.code == 0
    for action in (*lookup_table.REUSE_ACTIONS, *lookup_table.SHOW_ACTIONS):
        assert permits(made, action, table)
        assert not permits(made, action, f"{table}2")
    for action in ("ecs:RegisterTaskDefinition", "ecs:TagResource"):
        assert permits(made, action, f"{definitions}airflow-dbt:7")
        assert not permits(made, action, f"{definitions}web:7")
    assert DELETE not in actions(made)
    (passing,) = [each for each in made if "iam:PassRole" in each["Action"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mode", "reuse"), "with --table"),
        (("--mode", "reuse", "--table", "a b"), "--table: 'a b' is none"),
        (("--mode", "report", "--table", "no/table"), "--table: 'no/table' is not a table's name"),
        (("--mode", "reuse", "--table", "lookup", "--exclude", "web"), "--exclude: it says nothing about"),
        (("--mode", "reuse", "--table", "lookup", "--store", "s3://bucket"), "--store: it says nothing about"),
        (("--mode", "reuse", "--table", "lookup", "--family", "web-[ab]"), "IAM knows * and ? alone"),
    ],
    ids=str,
)
def test_what_does_not_go_with_a_lookup_table_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """By the option's name."""
    ran = run(small_account(), "iam", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_of_the_lookup_table_a_report_reads_and_a_sweep_takes_entries_away() -> None:
    """That table alone; without one there is no right at all. Nobody but a DAG touches an entry, or reads all."""
    table = "arn:aws:dynamodb:*:*:table/lookup"
    reads, tends = lookup_table.READ_ACTIONS, lookup_table.EVICT_ACTIONS
    for mode, lent in ((Mode.REPORT, reads), (Mode.DELETE, (*reads, *tends))):
        made = json.loads(run(small_account(), "iam", "--mode", mode.value, "--table", "lookup").out)["Statement"]
        assert {action for action in actions(made) if action.startswith("dynamodb:")} == set(lent)
        assert all(permits(made, action, table) and not permits(made, action, f"{table}2") for action in lent)
        without = json.loads(run(small_account(), "iam", "--mode", mode.value).out)["Statement"]
        assert not [action for action in actions(without) if action.startswith("dynamodb:")]


def test_the_lookup_table_of_the_policy_file_is_lent_as_well(tmp_path: Path) -> None:
    """And a flag that names another is refused."""
    file = tmp_path / "policy.toml"
    file.write_text('[[rule]]\nfamilies = ["*"]\n[lookup_table]\nname = "lookup"\n', encoding="utf-8")
    ran = run(small_account(), "iam", "--mode", "delete", "--policy", str(file))
    assert permits(json.loads(ran.out)["Statement"], "dynamodb:DeleteItem", "arn:aws:dynamodb:*:*:table/lookup")
    ran = run(small_account(), "iam", "--mode", "delete", "--policy", str(file), "--table", "other")
    assert ran.code == 2
    assert "two are named: lookup (policy file policy.toml) and other (--table)" in ran.err
