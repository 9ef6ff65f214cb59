"""The parts of the README that are made from the code. ``python -m tests.docs`` writes them; a test compares them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from janitor.cli import cli
from janitor.cli.output import EXIT_CODES
from janitor.core.model import Mode, Reason
from janitor.demo import embedded_place
from janitor.local.account import believable_account
from janitor.local.clock import VirtualClock
from janitor.permissions import document, statements
from janitor.render.words import REASONS
from janitor.runner import Runner
from janitor.settings import ENVIRONMENT, Flags, load
from janitor.settings.function import VARIABLES
from janitor.sweep.events import Limits
from tests import event_docs, growth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from janitor.core.report import Report

README = Path(__file__).parents[1] / "README.md"
DAGS = Path(__file__).parent / "workload" / "dags"
EVENTS = README.parent / ".github" / "EVENTS.md"


def written(readme: str) -> str:
    """Return the README with every made part as the code has it today."""
    return _made(
        readme,
        (r"<!-- permissions: read -->\n```json\n", r"```", _permissions()),
        (r"<!-- reasons -->\n\|.*\n\|.*\n", r"\n", _rows(_reasons())),
        (r"<!-- orphan reasons -->\n\|.*\n\|.*\n", r"\n", _rows(_orphan_reasons())),
        (r"<!-- options -->\n\|.*\n\|.*\n", r"\n", _rows(_options())),
        (r"<!-- environment -->\n\|.*\n\|.*\n", r"\n", _rows(ENVIRONMENT)),
        (r"<!-- config -->\n\|.*\n\|.*\n", r"\n", _config()),
        (r"<!-- variables -->\n\|.*\n\|.*\n", r"\n", _rows(VARIABLES)),
        (r"<!-- dag -->\n```python\n", r"```", (DAGS / "dbt.py").read_text(encoding="utf-8")),
        (r"<!-- dag with reuse -->\n```python\n", r"```", (DAGS / "dbt_reuse.py").read_text(encoding="utf-8")),
        (r"<!-- growth -->\n\|.*\n\|.*\n", r"\n", "".join(growth.rows())),
        (r"<!-- exit codes -->\n\|.*\n\|.*\n", r"\n", _rows({str(code): words for code, words in EXIT_CODES.items()})),
    )


def written_events(text: str) -> str:
    """Return the page about events with its fields and examples as they are today."""
    return _made(
        text,
        *(
            (rf"<!-- fields: {name} -->\n\|.*\n\|.*\n", r"\n", event_docs.fields(name))
            for name in ("sweep-finished", "sweep-unfinished")
        ),
        *(
            (rf"<!-- example: {kind} -->\n```json\n", r"```", event_docs.example(kind))
            for kind in ("Sweep Finished", "Sweep Unfinished")
        ),
    )


def _made(text: str, *parts: tuple[str, str, str]) -> str:
    """Return a document with each part between a start and an end replaced."""
    for start, end, content in parts:
        match = re.search(rf"({start})(?:.*\n)*?({end})", text)
        assert match, f"there is no place for {start!r}"
        text = f"{text[: match.end(1)]}{content}{text[match.start(2) :]}"
    return text


@cache
def demo_report() -> Report:
    """Return the report on the demo's account."""
    clock = VirtualClock()
    runner = Runner(embedded_place(believable_account(clock), clock), load(Flags()))
    return runner.survey(Limits(), lambda _: None)


def _permissions() -> str:
    return json.dumps(document(statements(mode=Mode.REPORT, policy=load(Flags()).policy)), indent=2) + "\n"


def _reasons() -> Mapping[str, str]:
    kept = {f"`{reason}`": REASONS[reason] for reason in list(Reason)[: list(Reason).index(Reason.ORPHANED)]}
    due = f"`{Reason.DUE}`"
    return {name: words for name, words in kept.items() if name != due} | {due: f"{kept[due]}: deleted"}


ORPHAN_REASONS = (
    Reason.NO_RULE,
    Reason.RULE_KEEPS,
    Reason.NOT_ACTIVE,
    Reason.AMONG_NEWEST_ACTIVE,
    Reason.NO_DATE,
    Reason.REGISTERED_LATELY,
    Reason.REGISTERED_BY_OTHERS,
    Reason.TAGGED,
    Reason.IN_USE,
    Reason.IN_LOOKUP_TABLE,
    Reason.USAGE_UNKNOWN,
    Reason.UNREADABLE,
    Reason.NOT_ASKED_FOR,
)
"""The reasons that keep an ACTIVE revision, in the order in which they are asked."""


def _orphan_reasons() -> Mapping[str, str]:
    kept = {f"`{reason}`": REASONS[reason] for reason in ORPHAN_REASONS}
    return {**kept, f"`{Reason.ORPHANED}`": f"{REASONS[Reason.ORPHANED]}: deregistered"}


def _options() -> Mapping[str, str]:
    command = cli.commands["sweep"]
    return {
        f"`{'`, `'.join(option.opts)}`": _meaning(option)
        for option in command.params
        if isinstance(option, click.Option) and option.help
    }


def _meaning(option: click.Option) -> str:
    return (option.help or "") + (" (`sweep` alone)" if option.name in {"yes", "plan"} else "")


def _config() -> str:
    declared = yaml.safe_load((README.parent / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return "".join(
        f"| `{key}` | {_default(what)} | {what['description']} |\n" for key, what in declared.items() if ":" not in key
    )


def _default(declared: Mapping[str, Any]) -> str:
    if "default" not in declared:
        return "required"
    value = declared["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`" if value != "" else "none"


def _rows(cells: Mapping[str, str]) -> str:
    return "".join(f"| {name if name.startswith('`') else f'`{name}`'} | {words} |\n" for name, words in cells.items())


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    EVENTS.write_text(written_events(EVENTS.read_text(encoding="utf-8")), encoding="utf-8")
