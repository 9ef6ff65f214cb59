"""Bad input gets a clear error by name, exit code 2, and nothing is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from janitor.cli import main
from janitor.local.faults import Fault
from tests.commandline import run, small_account

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = {
    ("--older-than", "12h"): "--older-than: 12h is too short: the retention is at least 1 day",
    ("--older-than", "-3d"): "--older-than: '-3d' is not a duration",
    ("--older-than", "soon"): "--older-than: 'soon' is not a duration",
    ("--older-than", "999999999w"): "--older-than: '999999999w' is longer than a hundred years",
    ("--keep-newest", "-1"): "--keep-newest: -1 is too small: at least 0",
    ("--keep-newest", "two"): "--keep-newest: 'two' is not a whole number",
    ("--max-reads", "0"): "--max-reads: 0 is too small: at least 1",
    ("--max-deletions", "-5"): "--max-deletions: -5 is too small: at least 0",
    ("--max-time", "0s"): "--max-time: 0s is no time at all",
    ("--age-from", "createdAt"): "--age-from: 'createdAt' is neither deregisteredAt nor registeredAt",
    ("--family", "a b"): "--family: 'a b' is not a family pattern",
    ("--exclude", ""): "--exclude: '' is not a family pattern",
    ("--policy", "no-such-file.toml"): "--policy no-such-file.toml: it cannot be read: No such file or directory",
    ("-o", "no/such/folder/report.json"): "--output no/such/folder/report.json: it cannot be written",
    ("--format", "html5"): "'html5' is not one of",
    ("--colour", "red"): "No such option",
}


@pytest.mark.parametrize(("flag", "says"), FLAGS.items(), ids=str)
@pytest.mark.parametrize("command", [("report",), ("sweep", "--yes"), ("explain", "web")], ids=lambda words: words[0])
def test_a_wrong_flag_is_named_and_nothing_is_called(
    command: tuple[str, ...], flag: tuple[str, str], says: str
) -> None:
    """The message names the flag and the cause; no call reaches ECS."""
    ecs = small_account()
    ran = run(ecs, *command, *flag)
    assert ran.code == 2
    assert says in ran.err
    assert not ran.out
    assert not ecs.calls


POLICIES = {
    "": "it has no rule",
    "rule = 3": "rule: ",
    "[[rule]]": "rule[0].families: it is missing",
    '[[rule]]\nfamilies = ["*"]\nretenion = "9d"': "rule[0]: unknown key 'retenion'",
    '[[rule]]\nfamilies = "*"': "rule[0].families: '*' is not a list",
    "[[rule]]\nfamilies = [1]": "rule[0].families: 1 is not a text",
    "[[rule]]\nfamilies = []": "rule 1: families is empty",
    '[[rule]]\nfamilies = ["*"]\nkeep_newest = true': "rule[0].keep_newest: True is not a whole number",
    '[[rule]]\nfamilies = ["*"]\nkeep_newest = -1': "rule 1: keep_newest is -1",
    '[[rule]]\nfamilies = ["*"]\nretention = "0d"': "rule 1: retention: 0d is too short",
    '[[rule]]\nfamilies = ["*"]\nage_from = "birth"': "rule[0].age_from: 'birth' is neither",
    '[[rule]]\nfamilies = ["*"]\nkeep = true\nretention = "9d"': "keep = true keeps everything; it contradicts",
    '[[rule]]\nfamilies = ["*"]\n[[rule]]\nfamilies = ["a-*"]': "rule 2: a-* never comes to it: rule 1 takes those",
    '[[rule]]\nfamilies = ["a"]\n[[rule]]\nfamilies = ["a"]': "rule 2: a never comes to it: rule 1 takes those",
    "max_deletions = -1\n[[rule]]\nfamilies = ['*']": "max_deletions is -1: it cannot be negative",
    "surprise = 1\n[[rule]]\nfamilies = ['*']": "unknown key 'surprise'",
    "[[rule": "it is not TOML",
}


@pytest.mark.parametrize(("content", "says"), POLICIES.items())
def test_a_wrong_policy_is_refused_by_name(content: str, says: str, tmp_path: Path) -> None:
    """An empty, contradictory or misspelt policy deletes nothing."""
    policy = tmp_path / "policy.toml"
    policy.write_text(content, encoding="utf-8")
    ecs = small_account()
    ran = run(ecs, "sweep", "--yes", "--policy", str(policy))
    assert ran.code == 2
    assert says in ran.err
    assert not ecs.calls


def test_a_policy_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """A file in another encoding is named as such."""
    policy = tmp_path / "policy.toml"
    policy.write_bytes(b"\xff\xfe[[rule]]")
    assert "it is not UTF-8 (byte 0)" in run(small_account(), "report", "--policy", str(policy)).err


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    """Nobody has to repair and call again to hear of the next problem."""
    policy = tmp_path / "policy.toml"
    policy.write_text("max_deletions = -1", encoding="utf-8")
    ran = run(
        small_account(),
        "report",
        "--older-than",
        "1h",
        "--keep-newest",
        "x",
        "--policy",
        str(policy),
        "-o",
        "no/such/f",
    )
    for name in ("--older-than", "--keep-newest", "max_deletions", "it has no rule", "--output"):
        assert name in ran.err


def test_ten_thousand_problems_are_shown_bounded(tmp_path: Path) -> None:
    """The first twenty are shown, the others counted."""
    policy = tmp_path / "policy.toml"
    policy.write_text("[[rule]]\nfamilies = []\n" * 10_000, encoding="utf-8")
    ran = run(small_account(), "report", "--policy", str(policy))
    assert ran.code == 2
    assert "and 9,980 more problems" in ran.err
    assert len(ran.err.splitlines()) < 30


def test_a_pattern_that_matches_no_family_is_a_warning() -> None:
    """A misspelt family must not pass for a clean one."""
    ran = run(small_account(), "report", "--family", "wbe")
    assert ran.code == 0
    assert "Warning: no family matches wbe (--family)" in ran.out


@pytest.mark.parametrize("target", ["nothing", "web:999", "web:0"])
def test_what_does_not_exist_cannot_be_explained(target: str) -> None:
    """The message names what was asked for."""
    ran = run(small_account(), "explain", target)
    assert ran.code == 2
    assert f"{target}: there is no such" in ran.err


def test_a_sweep_asks_or_is_told_yes() -> None:
    """Where nobody can be asked, a sweep without --yes is refused before anything is called."""
    ecs = small_account()
    ran = run(ecs, "sweep")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not ecs.calls


def test_a_missing_region_and_missing_credentials_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are said at once, with what to do."""
    with pytest.raises(SystemExit) as ended:
        main(["report"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "no Region: give --region" in said
    assert "no AWS credentials: give --profile" in said


def test_an_unknown_profile_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """boto3's own words, as an error of ours."""
    with pytest.raises(SystemExit) as ended:
        main(["report", "--profile", "nobody", "--region", "eu-west-1"])
    assert ended.value.code == 2
    assert "nobody" in capsys.readouterr().err


def test_an_endpoint_that_is_no_address_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A malformed address is wrong input, not a crash."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(SystemExit) as ended:
        main(["report", "--region", "eu-west-1", "--endpoint-url", "not an address"])
    assert ended.value.code == 2
    assert "not an address" in capsys.readouterr().err


def test_a_report_that_read_nothing_does_not_say_nothing_is_due() -> None:
    """Too few reads to look at any family: that is said, and no figure is called exact."""
    ran = run(small_account(), "report", "--max-reads", "4")
    assert "Of what was read, a sweep would delete nothing." in ran.out
    assert "Not read to the end: airflow-dbt" in ran.out
    figures = json.loads(run(small_account(), "report", "--max-reads", "4", "--format", "json").out)
    assert not figures["totals"]["due_is_exact"]
    assert not any(family["due_is_exact"] for family in figures["families"])


def test_an_explanation_that_ran_out_of_reads_says_so() -> None:
    """Before the first revision as well as after it."""
    ran = run(small_account(), "explain", "dead-report", "--max-reads", "3")
    assert "The budget of reads ended here" in ran.out
    assert "Traceback" not in ran.err


def test_a_family_that_exists_and_cannot_be_described_is_not_called_missing() -> None:
    """Each of its revisions is named with the reason, and the exit code is 1."""
    ecs = small_account()
    ecs.faults.add(Fault(operation="DescribeTaskDefinition", code="ServerException", status=400, message="no"))
    ran = run(ecs, "explain", "dead-report")
    assert ran.code == 1
    assert "Not described: dead-report:6: DescribeTaskDefinition failed: ServerException: no" in ran.out.replace(
        "\n", " "
    )
    alone = run(ecs, "explain", "dead-report:1")
    assert alone.code == 1
    assert alone.err == "janitor: DescribeTaskDefinition failed: ServerException: dead-report:1: no\n"


def test_more_candidates_than_the_policy_file_allows_keep_a_sweep_from_beginning(tmp_path: Path) -> None:
    """What every report says of ``abort_above`` holds on the command line as in the function."""
    policy = tmp_path / "policy.toml"
    policy.write_text('abort_above = 5\n[[rule]]\nfamilies = ["*"]', encoding="utf-8")
    ecs = small_account()
    ran = run(ecs, "sweep", "--yes", "--policy", str(policy))
    assert ran.code == 1
    assert "more than abort_above = 5" in ran.err
    assert not ecs.calls["DeleteTaskDefinitions"]
