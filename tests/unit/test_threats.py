"""What an untrusted text can do where it comes out, and what an event, a file or a store's object can make us do.

`.github/SECURITY.md` names a test for each threat; the last test here looks that they exist.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings

from janitor.aws.blobs import FolderBlobs
from janitor.core.difference import difference
from janitor.core.hop import Position, SoFar
from janitor.core.report import FamilyReport
from janitor.core.retention import Rule
from janitor.errors import BadInput
from janitor.function import DutyRemains
from janitor.local.clock import VirtualClock
from janitor.local.ecs import EmbeddedEcs
from janitor.render.difference import difference_markdown, difference_table
from janitor.render.documents import report_csv, report_markdown
from janitor.render.html.page import report_page
from janitor.render.json import report_json
from janitor.render.table import report_table
from janitor.render.words import plain
from janitor.settings import Flags, load
from janitor.settings.function import EVENT_SOURCE, UNFINISHED, Hop, Narrowing
from janitor.settings.policy_file import LARGEST
from janitor.settings.report_file import report_in
from janitor.settings.values import MOST_PATTERNS
from janitor.store import chunks
from janitor.store.due_cache_store import StoredDueCaches
from janitor.store.lines import from_json
from tests.commandline import run, small_account
from tests.pages import assert_nothing_gets_out
from tests.reports import HOSTILE as HOSTILE_NAMES
from tests.reports import reports
from tests.unit.core.strategies import STEADY
from tests.unit.core.test_report import BLANK
from tests.unit.test_function import STACK, stage_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from janitor.core.report import Report

ROOT = Path(__file__).parents[2]
ESCAPES = "\x1b[31m\x1b]0;title\x07\x9b2J\r\u202e\u2066\ufeff\x00"
HOSTILE = f"=cmd|' /C calc'!A0<img/src=x>](javascript:x)|`*_#{ESCAPES}\nFORGED a line"


def obeyed(text: str) -> set[str]:
    """Return the characters that a terminal would obey; those that begin our own lines are no such."""
    return {each for each in text if re.match(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", each)}


@pytest.fixture
def hostile_account() -> EmbeddedEcs:
    """Provide an account, no AWS at all, in which family, image, tag, refusal and users are as hostile as can be."""
    clock = VirtualClock()
    ecs = EmbeddedEcs(clock=clock, account="12<b>\x1b[1m")
    old = clock.now() - timedelta(days=500)
    family = "=web<b>" + ESCAPES.replace("\r", "")
    body = {"containerDefinitions": [{"name": "main", "image": HOSTILE}]}
    ecs.seed_family(family, count=8, registered=(old, old), body=body, tags={HOSTILE: HOSTILE})
    ecs.seed_family("web", count=8, registered=(old, old), body=body, registered_by=HOSTILE)
    ecs.faults.refuse("web:3", reason=HOSTILE, detail=HOSTILE)
    ecs.seed_cluster("main")
    ecs.seed_service("main", f"front{ESCAPES}", task_definition="web:1")
    return ecs


COMMANDS = (
    ("report",),
    ("report", "--exact"),
    ("explain", "web"),
    ("explain", "web:1"),
    ("sweep", "--yes"),
    *(("sweep", "--yes", "--format", each) for each in ("json", "markdown", "csv")),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_terminal_obeys_what_comes_from_aws(hostile_account: EmbeddedEcs, command: tuple[str, ...]) -> None:
    """Names, images, tags, users, reasons of refusals: neither on stdout nor on stderr, nor as a line of their own."""
    ran = run(hostile_account, *command)
    assert "web" in ran.out
    assert not obeyed(ran.out + ran.err)
    assert not [line for line in (ran.out + ran.err).splitlines() if line.startswith("FORGED")]


def test_an_error_of_ecs_is_one_line_on_stderr(hostile_account: EmbeddedEcs) -> None:
    """Its text cannot write a second one."""
    from janitor.local.faults import Fault  # noqa: PLC0415 - used here alone

    hostile_account.faults.add(Fault(operation="ListTaskDefinitionFamilies", code="ClientException", message=HOSTILE))
    ran = run(hostile_account, "report")
    assert ran.code == 1
    assert "FORGED a line" in ran.err
    assert not [line for line in ran.err.splitlines() if line.startswith("FORGED")]
    assert not obeyed(ran.out + ran.err)


def test_a_text_from_outside_is_one_line_of_harmless_characters() -> None:
    """Whatever a caller prints of it."""
    assert (
        plain("a\nb\x1b[2Jc\u202ed\x9b")
        == "a b\N{REPLACEMENT CHARACTER}[2Jc\N{REPLACEMENT CHARACTER}d\N{REPLACEMENT CHARACTER}"
    )
    assert plain("Größe ≤ 5 · ok") == "Größe ≤ 5 · ok"


def test_a_spreadsheet_computes_nothing(hostile_account: EmbeddedEcs) -> None:
    """A family's name that begins like a formula has a quote before it; others stay as they are."""
    ran = run(hostile_account, "report", "--format", "csv")
    families = [row["family"] for row in csv.DictReader(io.StringIO(ran.out))]
    assert [name[:6] for name in families] == ["'=web<", "web"]
    from janitor.render.documents import _harmless  # noqa: PLC0415 - the rule itself, for texts that no family has

    for start in ("=1", "+1", "-1", "@x", "\t=1", " =1", "\n=1", "\r=1", "\tx", "\rx", "\uff1d1", "\uff201"):
        assert str(_harmless(start)).startswith("'"), start
    for text in ("a;=1", "a,=1", 'a"=1', "a|@x", "a; =1"):  # where another separator ends the cell
        assert re.search(r"[;,|\"]' ?[=@]", str(_harmless(text))), text
    assert [_harmless(value) for value in ("a=1", "a-b", 5, -5, None)] == ["a=1", "a-b", 5, -5, None]


@settings(STEADY, max_examples=30)
@given(report=reports())
@example(
    report=replace(
        BLANK,
        families=tuple(FamilyReport(family=each, rule=each) for each in HOSTILE_NAMES),
        policy=HOSTILE_NAMES,
        warnings=HOSTILE_NAMES,
        families_not_read=HOSTILE_NAMES,
        unreadable_usage=HOSTILE_NAMES,
    )
)
def test_no_name_gets_its_way_in_any_format(report: Report) -> None:
    """Families, rules, users and reasons, each as hostile as can be: terminal, Markdown, CSV, HTML, JSON."""
    for width in (60, 200):
        assert not obeyed(report_table(report, width=width, color=False))
    markdown = report_markdown(report)
    assert not obeyed(markdown)
    _is_mere_markdown(markdown)
    rows = list(csv.reader(io.StringIO(report_csv(report))))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(report.families)
    for row in rows[1:]:
        for cell in row:
            assert not re.match(r"\s*[=+@\uff1d\t\r]|\s*-(?!\d)", cell), cell
            assert not obeyed(cell)
    assert_nothing_gets_out(report_page(report))
    document = report_json(report)
    sides = [report_in(each.encode(), "@a|b.json") for each in (document, report_json(replace(report, families=())))]
    for made in (difference(*sides), difference(*reversed(sides))):
        _is_mere_markdown(difference_markdown(made))
        assert not obeyed(difference_table(made, width=60, color=False) + difference_markdown(made))
    assert document.isascii()
    assert [each["family"] for each in json.loads(document)["families"]] == [each.family for each in report.families]


def test_markdown_shows_hostile_texts_as_they_are(hostile_account: EmbeddedEcs) -> None:
    """No HTML, link, code, heading or table cell comes out of them."""
    out = run(hostile_account, "sweep", "--yes", "--format", "markdown").out
    assert "&lt;img/src=x&gt;" in out
    _is_mere_markdown(out)


def _is_mere_markdown(text: str) -> None:
    """Assert that no HTML but our own, no link, mention, reference or further cell is in a document."""
    fenced = re.compile(r"^(`{3,})\w*\n(?:(?!\1).*\n)*?\1$", re.MULTILINE)
    prose = fenced.sub("", text)
    assert "```" not in prose
    assert set(re.findall(r"<[^>\d ][^>]*>", prose)) <= {"<details>", "</details>", "<summary>", "</summary>"}
    for syntax in ("](", "`*", "`"):
        assert not re.search(rf"(?<!\\){re.escape(syntax)}", prose), syntax
    assert not re.search(r"@\w|#\d|<!", prose)
    for table in re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1
    assert len(re.findall(r"^#", prose, re.MULTILINE)) == 1


def test_json_is_plain_ascii_whatever_comes_from_aws(hostile_account: EmbeddedEcs) -> None:
    """So it can be shown in a terminal, and read back it is what AWS said."""
    ran = run(hostile_account, "sweep", "--yes", "--format", "json")
    assert ran.out.isascii()
    assert HOSTILE in json.loads(ran.out)["refused"][0]["reason"]


def hop(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Forge an event of the sweep's own, digest and all: whoever may put events on the bus can."""
    whole = Hop(
        version=1,
        stack="prod",
        sweep_id="forged",
        started_at="2026-11-01T03:00:00+00:00",
        hop=2,
        trigger="schedule",
        mode="delete",
        narrowing=Narrowing(),
        position=Position(),
        so_far=SoFar(),
    )
    forged = json.loads(json.dumps(_fields(replace(whole, **changes).sealed())))
    return {"detail-type": UNFINISHED, "source": EVENT_SOURCE, "detail": forged}


def _fields(whole: Hop) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415 - used here alone

    return asdict(whole)


WIDENING = {
    "a shorter retention": ({"narrowing": Narrowing(older_than="2d")}, "older_than"),
    "fewer newest": ({"narrowing": Narrowing(keep_newest=1)}, "keep_newest"),
    "more deletions": ({"narrowing": Narrowing(max_deletions=101)}, "max_deletions"),
    "deletions taken back": ({"so_far": SoFar(outcomes={"deleted": -1_000})}, "counts"),
    "another stack": ({"stack": "dev"}, "stack"),
    "a sweep's name that is a path": ({"sweep_id": "../../x"}, "sweep_id"),
    "a hop beyond the limit": ({"hop": 10**9}, "hop"),
    "another version": ({"version": 2}, "version"),
    "rounds before the first": ({"position": Position(round=-5)}, "rounds"),
}


@pytest.mark.parametrize(("changes", "says"), WIDENING.values(), ids=list(WIDENING))
def test_a_forged_hop_cannot_widen(changes: dict[str, Any], says: str) -> None:
    """It is refused by name, and nothing is touched."""
    stage = stage_of(400, environment={**STACK, "JANITOR_KEEP_NEWEST": "2", "JANITOR_MAX_DELETIONS": "100"})
    with pytest.raises(BadInput, match=says):
        stage.invoke(hop(**changes))
    assert not stage.account.calls


def test_a_forged_hop_skips_no_guard() -> None:
    """What ``abort_above`` refuses to begin, an event that claims to be its second hop does not begin either."""
    stage = stage_of(400, environment={**STACK, "JANITOR_ABORT_ABOVE": "100"})
    with pytest.raises(DutyRemains, match="abort_above"):
        stage.invoke(hop())
    assert not stage.account.batches


def test_a_forged_hop_deletes_no_more_than_the_stack_allows() -> None:
    """One that nothing is wrong with is a sweep like any other."""
    stage = stage_of(400, environment={**STACK, "JANITOR_MAX_DELETIONS": "100"})
    stage.invoke(hop())
    assert len({each for batch in stage.account.batches for each in batch}) == 100


def test_a_stack_that_reports_takes_no_forged_hop_to_delete() -> None:
    """The mode is the stack's."""
    stage = stage_of(400, environment={**STACK, "JANITOR_MODE": "report"})
    with pytest.raises(BadInput, match="only reports"):
        stage.invoke(hop())


def test_a_huge_event_is_refused_in_few_words() -> None:
    """Neither its keys nor its patterns are all compared, or all logged."""
    stage = stage_of(10)
    for event in (
        {f"key{number}": "x" * 1_000 for number in range(10_000)},
        {"families": ["a*"] * (MOST_PATTERNS + 1)},
        {"mode": "x" * 1_000_000},
        {"families": [f"{'x' * 10_000} {number}" for number in range(100)]},
    ):
        with pytest.raises(BadInput) as refused:
            stage.invoke(event)
        assert len(str(refused.value)) < 10_000
    assert not stage.account.calls


def test_a_huge_policy_file_is_refused_unread(tmp_path: Path) -> None:
    """It is not read beyond what a person could have written."""
    policy = tmp_path / "policy.toml"
    policy.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(BadInput, match="larger than"):
        load(Flags(policy=policy))
    policy.write_bytes(b'[[rule]]\nfamilies = ["*"]\n#' + b"#" * (LARGEST // 2))
    load(Flags(policy=policy))


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    """Matching goes back over a pattern's stars without trying all their combinations; else this test would not end."""
    pattern = "a*" * 120 + "b"
    settings = load(Flags(family=(pattern,)))
    assert not settings.policy.selects("a" * 255)


FAMILIES = ("..", "../../etc", "a/b", ".hidden", "a\\b", "a\x00b", "%2e%2e", "/abs")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_name_leads_nowhere_in_the_store(tmp_path: Path, family: str) -> None:
    """Its cache is a file below the folder, or is not saved, which is said."""
    root = tmp_path / "store"
    caches = StoredDueCaches(FolderBlobs(root), "1/eu-west-1")
    caches.save(family, caches.load(family))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == (0 if caches.warnings else 1)
    assert all(path.is_relative_to(root / "cache" / "due") and path.parent.name == "due" for path in files)
    assert "/" not in chunks.folder(family).removeprefix("record/closed/").removesuffix("/")


LINE = {
    "at": "2026-11-01T03:00:00Z",
    "what": "intent",
    "sweep": "s",
    "hop": 1,
    "batch": "w-000001",
    "region": "eu-west-1",
    "family": "web",
    "number": 1,
    "rule": "r",
    "reason": "old",
}
HEADER = {
    "chunk": 1,
    "family": "web",
    "sweep": "s",
    "account": None,
    "region": "eu-west-1",
    "first_at": "2026-11-01T03:00:00Z",
    "last_at": "2026-11-01T03:00:00Z",
    "submitted": 1,
    "outcomes": {"deleted": 1},
    "rules": {"r": 1},
    "runs": [[1, 1]],
    "batches": {"w": [[1, 1]]},
}


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"rule": {}},
        {"at": "2026-11-01T03:00:00"},
        {"reason": 5},
        {"batch": "x"},
        {"at": 5},
        {"hop": []},
    ],
    ids=str,
)
def test_a_forged_line_of_the_record_is_refused(change: dict[str, Any]) -> None:
    """Values of other kinds than ours would end the command that reads them."""
    from_json(json.dumps(LINE))
    with pytest.raises(ValueError, match=r"."):
        from_json(json.dumps(LINE | change))


@pytest.mark.parametrize(
    "change",
    [
        {"batches": {"w": [[1, 10**12]]}},
        {"submitted": "many"},
        {"outcomes": {"deleted": "x"}},
        {"first_at": "2026-11-01T03:00:00"},
        {"sweep": 5},
        {"rules": []},
    ],
    ids=str,
)
def test_a_forged_header_of_the_record_is_refused(change: dict[str, Any]) -> None:
    """Nor do numbers in it become memory."""
    chunks.header_in(_packed([HEADER]))
    with pytest.raises(ValueError, match=r"."):
        chunks.header_in(_packed([HEADER | change]))


def test_a_record_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is unpacked no further than a chunk can be large."""
    monkeypatch.setattr(chunks, "LARGEST", 10_000)
    assert len(chunks.lines_in(_packed([HEADER, LINE]))) == 1
    with pytest.raises(ValueError, match="more than 10,000 bytes"):
        chunks.lines_in(gzip.compress(b"x" * 1_000_000))


def _packed(lines: Iterable[dict[str, Any]]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def test_a_forged_record_is_told_without_its_escapes(tmp_path: Path) -> None:
    """Whoever may write to the store can lie in it; the terminal does not obey the lie."""
    blobs = FolderBlobs(tmp_path)
    assert run(small_account(), "sweep", "--yes", "--family", "dead-report", "--store", str(tmp_path)).code == 0
    (key,) = [each for each in blobs.keys("record/closed/") if "dead-report" in each]
    content = gzip.decompress(blobs.get(key) or b"").replace(b"the default rule", json.dumps(HOSTILE)[1:-1].encode())
    blobs.put(key, gzip.compress(content))
    for target in ("dead-report", "dead-report:1"):
        ran = run(small_account(), "history", target, "--store", str(tmp_path))
        assert "FORGED a line" in ran.told
        assert not obeyed(ran.out)
        assert not [line for line in ran.out.splitlines() if line.startswith("FORGED")]


def test_the_log_of_the_function_is_json_so_no_text_makes_a_line() -> None:
    """The record's lines are one line each, whatever is in them."""
    from janitor.store.lines import to_json  # noqa: PLC0415 - used here alone

    line = from_json(json.dumps(LINE | {"reason": HOSTILE}))
    assert "\n" not in to_json(line)
    assert to_json(line).isascii()


def test_a_rule_that_breaks_the_promises_cannot_be_made() -> None:
    """Whatever reads the policy: under a day of retention there is no rule."""
    rule = load(Flags()).policy.rules[0]
    with pytest.raises(ValueError, match="retention"):
        replace(rule, retention=replace(rule.retention, value=timedelta(hours=23)))
    assert isinstance(rule, Rule)


def named_tests() -> list[tuple[str, str]]:
    """Return file and name of the tests that the threat model names."""
    text = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)


def test_each_test_that_the_threat_model_names_exists() -> None:
    """A threat whose test is gone is a threat."""
    found = named_tests()
    assert len(found) >= 20
    for file, name in found:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_each_test_of_a_threat_is_named_in_the_threat_model() -> None:
    """The other way round, for those of this module."""
    here = {name for file, name in named_tests() if file == "tests/unit/test_threats.py"}
    mine = {name for name in vars(sys.modules[__name__]) if name.startswith("test_")}
    assert mine - here == {
        "test_each_test_that_the_threat_model_names_exists",
        "test_each_test_of_a_threat_is_named_in_the_threat_model",
    }
