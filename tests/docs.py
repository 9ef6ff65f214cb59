"""The parts of the README that are made from the code. ``python -m tests.docs`` writes them; a test compares them."""

from __future__ import annotations

import json
import re
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
from janitor.render.table import report_table
from janitor.render.words import REASONS
from janitor.runner import Runner
from janitor.settings import ENVIRONMENT, Flags, load
from janitor.settings.function import VARIABLES
from janitor.sweep.events import Limits
from tests import growth

if TYPE_CHECKING:
    from collections.abc import Mapping

README = Path(__file__).parents[1] / "README.md"
DAG = Path(__file__).parent / "workload" / "dags" / "dbt.py"


def written(readme: str) -> str:
    """Return the README with every made part as the code has it today."""
    for start, end, content in (
        (r"```console\n\$ janitor report\n", r"```", _demo_report()),
        (r"<!-- permissions: read -->\n```json\n", r"```", _permissions()),
        (r"<!-- reasons -->\n\|.*\n\|.*\n", r"\n", _rows(_reasons())),
        (r"<!-- orphan reasons -->\n\|.*\n\|.*\n", r"\n", _rows(_orphan_reasons())),
        (r"<!-- options -->\n\|.*\n\|.*\n", r"\n", _rows(_options())),
        (r"<!-- environment -->\n\|.*\n\|.*\n", r"\n", _rows(ENVIRONMENT)),
        (r"<!-- config -->\n\|.*\n\|.*\n", r"\n", _config()),
        (r"<!-- variables -->\n\|.*\n\|.*\n", r"\n", _rows(VARIABLES)),
        (r"<!-- dag -->\n```python\n", r"```", DAG.read_text(encoding="utf-8")),
        (r"<!-- growth -->\n\|.*\n\|.*\n", r"\n", "".join(growth.rows())),
        (r"<!-- exit codes -->\n\|.*\n\|.*\n", r"\n", _rows({str(code): words for code, words in EXIT_CODES.items()})),
    ):
        match = re.search(rf"({start})(?:.*\n)*?({end})", readme)
        assert match, f"the README has no place for {start!r}"
        readme = f"{readme[: match.end(1)]}{content}{readme[match.start(2) :]}"
    return readme


def _demo_report() -> str:
    clock = VirtualClock()
    runner = Runner(embedded_place(believable_account(clock), clock), load(Flags()))
    return report_table(runner.survey(Limits(), lambda _: None), width=80, color=False)


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
