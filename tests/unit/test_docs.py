"""What the README says is what the code does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from janitor.core.model import Reason
from janitor.core.report import Cause
from janitor.render.words import REASONS
from janitor.settings import Flags, load
from tests import docs, event_docs, pictures
from tests.infra.patterns import matches, transformed
from tests.unit.test_actions import declared
from tests.unit.test_imports import inside

if TYPE_CHECKING:
    from pathlib import Path

README = docs.README.read_text(encoding="utf-8")


def test_the_made_parts_of_the_readme_are_what_the_code_makes() -> None:
    """Permissions, reasons, options, environment and exit codes; ``python -m tests.docs`` rewrites them."""
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


EVENTS = docs.EVENTS.read_text(encoding="utf-8")


def test_the_made_parts_of_the_page_about_events_are_what_a_run_makes() -> None:
    """Every field and both examples; ``python -m tests.docs`` rewrites them."""
    assert docs.written_events(EVENTS) == EVENTS


def _block(mark: str) -> Any:  # noqa: ANN401 - whatever JSON it is
    found = re.search(rf"<!-- {mark} -->\n```json\n(.*?)```", EVENTS, re.DOTALL)
    assert found is not None, mark
    return json.loads(found[1])


@pytest.mark.parametrize("target", ["chat", "ticket"])
def test_the_rules_in_the_page_about_events_match_and_transform_what_is_published(target: str) -> None:
    """Whoever copies pattern and transformer gets a message of the nightly sweep, and of nothing else."""
    finished, unfinished = event_docs.events()["Sweep Finished"], event_docs.events()["Sweep Unfinished"]
    pattern = _block(f"pattern: {target}")
    assert matches(pattern, finished)
    assert not matches(pattern, unfinished)
    assert not matches(pattern, {**finished, "source": "somebody.else"})
    text = json.dumps(transformed(_block(f"transformer: {target}"), finished))
    assert "airflow-dbt: " in text
    assert "<" not in text.replace("<0.1 %", "")


def test_a_chat_takes_the_notification_of_the_page_about_events() -> None:
    """As its event schema says (Amazon Q Developer in chat applications administrator guide, custom notifications)."""
    message = transformed(_block("transformer: chat"), event_docs.events()["Sweep Finished"])
    assert isinstance(message, dict)
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"].keys() == {"textType", "title", "description"}
    assert message["content"]["textType"] == "client-markdown"


def test_a_quiet_night_opens_no_ticket() -> None:
    """Nor does a sweep that somebody narrowed, or started by hand."""
    finished = event_docs.events()["Sweep Finished"]
    for change in ({"families_above_warning_count": 0}, {"narrowed": True}, {"trigger": "hand"}):
        assert not matches(_block("pattern: ticket"), {**finished, "detail": {**finished["detail"], **change}})


def test_the_picture_of_the_terminal_is_what_the_demo_prints() -> None:
    """``python -m tests.pictures`` draws it anew."""
    assert pictures.TERMINAL.read_text(encoding="utf-8") == pictures.terminal_svg()


def test_the_pictures_ask_nobody_for_anything_and_the_readme_shows_them() -> None:
    """No font, style or script from elsewhere; each is there, with words for who cannot see it."""
    svg = pictures.terminal_svg()
    assert not re.search(r"url\((?!#)|@import|<script|href=|https?://(?!www\.w3\.org/2000/svg)", svg)
    shown = dict(re.findall(r"!\[([^\]]{20,})\]\((\.github/pictures/[\w.-]+)\)", README))
    assert {docs.README.parent / path for path in shown.values()} == set(pictures.FOLDER.glob("*.[sp][vn]g"))


def test_the_picture_of_the_page_was_taken_of_the_page_of_today() -> None:
    """``python -m tests.pictures`` takes it anew; what a browser draws is not compared, what it was given is."""
    if not pictures.PAGE.exists():
        pytest.skip("the page has not been drawn yet: python -m tests.pictures")
    assert pictures.PAGE_OF.read_text(encoding="utf-8") == pictures.page_digest()
