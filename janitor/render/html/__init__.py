"""HTML: the templates, and how they are filled. Whatever is put into one is escaped, and reads as ``words`` has it.

Nothing here imports a chart: that is ``janitor.render.html.page``'s matter, so that a dashboard's widget stays light.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from janitor.render import words

if TYPE_CHECKING:
    from datetime import datetime


def filled(template: str, /, **values: object) -> str:
    """Return a template of this package, filled.

    Raises:
        jinja2.TemplateNotFound: if there is no template by that name.
        jinja2.UndefinedError: if it uses a value that was not given.
    """
    return environment().get_template(template).render(values)


@cache
def environment() -> Environment:
    """Return the environment of all templates: what is undefined is an error, what is None a dash."""
    made = Environment(
        loader=PackageLoader("janitor.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        about=words.about,
        at_most=words.at_most,
        families=words.families,
        moment=moment,
        number=words.number,
        percent=words.percent,
        revisions=words.revisions,
        span=words.span,
    )
    return made


def moment(date: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{date:%Y-%m-%d %H:%M} UTC"


def _shown(value: object) -> object:
    """Return what a template shows of a value: of a text from outside nothing that a browser or a reader would obey."""
    if value is None:
        return "-"
    return value if hasattr(value, "__html__") or not isinstance(value, str) else words.plain(value)
