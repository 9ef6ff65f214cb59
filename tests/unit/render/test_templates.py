"""How templates are filled: what comes from outside is shown, never obeyed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

import janitor
from janitor.core.boundary import Estimate
from janitor.render.html import environment, filled

PACKAGE = Path(janitor.__file__).parent


def shown(template: str, **values: object) -> str:
    """Fill a template given as text."""
    return environment().from_string(template).render(values)


def test_markup_from_outside_is_escaped() -> None:
    """In text and in attributes."""
    assert shown("<p title='{{ x }}'>", x="'><img onerror=a>") == "<p title='&#39;&gt;&lt;img onerror=a&gt;'>"


def test_control_and_direction_characters_are_replaced() -> None:
    """A name cannot turn a line around, nor begin one of its own."""
    assert shown("{{ x }}", x="a\u202eb\nc\x00") == "a\N{REPLACEMENT CHARACTER}b c\N{REPLACEMENT CHARACTER}"


def test_what_was_not_read_is_a_dash() -> None:
    """None is never a word on a page; nor is nothing a zero."""
    assert shown("{{ x }} {{ x | number }} {{ x | about }} {{ x | percent }}", x=None) == "- - - -"


def test_a_value_that_was_not_given_is_an_error() -> None:
    """A misspelt name would otherwise be an empty place."""
    with pytest.raises(UndefinedError):
        shown("{{ misspelt }}")
    with pytest.raises(TemplateNotFound):
        filled("misspelt.html")


def test_figures_read_as_they_do_elsewhere() -> None:
    """One wording for all formats."""
    estimate = Estimate(value=1234, low=1000, high=2000)
    template = "{{ e | about }} {{ e.value | number }} {{ 12.345 | percent }} {{ 5400 | span }} {{ 1 | revisions }}"
    assert shown(template, e=estimate) == "~1,234 1,234 12.3 % 1.5 hours 1 revision"


def test_templates_are_found_in_a_zip(tmp_path: Path) -> None:
    """As they are where the package is not unpacked."""
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*.*"):
            if path.suffix in {".py", ".html"}:
                file.write(path, f"janitor/{path.relative_to(PACKAGE).as_posix()}")
    look = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from janitor.render import html\n"
        "assert html.__file__.startswith(sys.path[0]), html.__file__\n"
        "html.environment().get_template('page.html')\n"
    )
    done = subprocess.run([sys.executable, "-c", look], check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stderr
