"""``janitor report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from janitor.cli.options import limits_of, shared, surveyed
from janitor.cli.output import finish
from janitor.core.model import Mode
from janitor.terminal import progression, stoppable

if TYPE_CHECKING:
    from janitor.cli.options import Call


@click.command()
@shared
def report(call: Call) -> None:
    """Say what a sweep would delete. Changes nothing."""
    runner = call.prepared()
    with stoppable() as asked:
        limits = limits_of(runner, asked)
        if call.exact:
            with progression(runner.clock) as observe:
                made = runner.sweep(Mode.REPORT, limits, observe, count_all=True)
        else:
            made = surveyed(runner, limits)
    finish(call, made)
