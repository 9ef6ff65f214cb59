"""The nouns: ECS's own words and numbers, and the keys that reports count by."""

from __future__ import annotations

from janitor.core.model import BATCH_SIZE, LIMIT, PAGE_SIZE, Decision, Mode, OutcomeKind, Reason, RevisionId, Status


def test_the_numbers_are_those_of_ecs() -> None:
    """The quota of a family, the revisions of one delete call, the ARNs of one page."""
    assert (LIMIT, BATCH_SIZE, PAGE_SIZE) == (1_000_000, 10, 100)


def test_a_revision_is_named_by_family_and_number() -> None:
    """As ECS writes it."""
    assert str(RevisionId("etl", 12)) == "etl:12"


def test_revisions_are_ordered_by_family_and_then_by_number_as_a_number() -> None:
    """Ten comes after nine."""
    names = [RevisionId("web", 1), RevisionId("etl", 10), RevisionId("etl", 9)]
    assert [str(name) for name in sorted(names)] == ["etl:9", "etl:10", "web:1"]


def test_the_words_that_others_read_do_not_change() -> None:
    """Statuses are ECS's; the other values are keys in reports and records."""
    assert [*Status] == ["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"]
    assert [*Mode] == ["report", "delete"]
    assert [*Decision] == ["KEEP", "DELETE", "DEREGISTER"]
    assert [*OutcomeKind] == ["deleted", "deregistered", "refused", "failed", "not_attempted"]
    assert {*Reason} == {
        "due",
        "no_rule",
        "rule_keeps",
        "not_planned",
        "not_inactive",
        "among_newest",
        "no_date",
        "just_deregistered",
        "young",
        "tagged",
        "in_use",
        "usage_unknown",
        "unreadable",
        "orphaned",
        "not_active",
        "among_newest_active",
        "registered_lately",
        "registered_by_others",
        "in_lookup_table",
        "not_asked_for",
    }
