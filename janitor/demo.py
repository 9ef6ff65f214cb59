"""The demo: a believable account, a report, a sweep, a report, and what to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from janitor.core.model import Mode
from janitor.local.account import believable_account
from janitor.local.attach import attach
from janitor.local.clock import VirtualClock
from janitor.local.server import serve
from janitor.render.words import span
from janitor.runner import Runner
from janitor.settings import Flags, load
from janitor.sweep.events import Limits
from janitor.terminal import progression, reading, stoppable
from janitor.wiring import Place, SystemClock, clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from janitor.core.report import Report
    from janitor.local.ecs import EmbeddedEcs

NEXT = """\
Next, on a real account (each of these only reads):
  janitor report --region eu-west-1
  janitor report --older-than 90d --keep-newest 5 --family 'airflow-*'
  janitor explain FAMILY:REVISION
When the report says what you want: janitor sweep, with the same options.
"uv tool install ." brings janitor onto your PATH; or put "uv run" before it."""


def show(*, say: Callable[[str], None], table: Callable[[Report], str]) -> None:
    """Show a report, a sweep and a report on an embedded ECS whose hours pass in seconds."""
    clock = VirtualClock(SystemClock().now())
    place = embedded_place(believable_account(clock), clock)
    runner = Runner(place, load(Flags()))
    say("An embedded ECS with two years of Airflow runs and deploys, in memory:\nno account, no network.\n")
    say("$ janitor report\n")
    before = surveyed(runner)
    say(table(before))
    say("$ janitor sweep --yes\n")
    real = SystemClock()
    started = real.monotonic()
    with stoppable() as asked, progression(clock, total=before.due.value) as observe:
        swept = runner.sweep(Mode.DELETE, Limits(asked_to_stop=asked), observe, count_all=False)
    say(table(swept))
    simulated = (swept.finished_at - swept.started_at).total_seconds()
    say(
        f"That is {span(simulated)} at the rates AWS publishes; on the demo's clock it took "
        f"{span(real.monotonic() - started)}.\n"
    )
    say("$ janitor report\n")
    after = surveyed(runner)
    say(table(after))
    say(NEXT)


def surveyed(runner: Runner) -> Report:
    """Report on the demo's account, and show how much of the budget of reads is spent."""
    with reading(runner.clock, lambda: runner.calls, runner.settings.max_reads) as observe:
        return runner.survey(Limits(), observe)


def serve_account(port: int, *, say: Callable[[str], None]) -> None:
    """Serve the demo's account on loopback until Ctrl-C."""
    with serve(believable_account(SystemClock()), port=port) as url, stoppable() as asked:
        say(f"The embedded ECS answers at {url} until Ctrl-C. In another terminal:\n")
        say("  export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_REGION=eu-west-1")
        say(f"  janitor report --endpoint-url {url}")
        say(f"  aws ecs list-task-definition-families --region eu-west-1 --endpoint-url {url}")
        while not asked():
            SystemClock().sleep(0.2)


def embedded_place(ecs: EmbeddedEcs, clock: VirtualClock) -> Place:
    """Return the place of a run against an embedded ECS in this process, on a virtual clock."""
    # The embedded ECS asks for no secret.
    new_client = clients(boto3.Session("demo", "demo", region_name=ecs.names.region))

    def client_of(service: str) -> Any:  # noqa: ANN401 - as in Place
        client = new_client(service)
        attach(client, ecs)
        return client

    return Place(client=client_of("ecs"), clock=clock, executor=clock.executor, client_of=client_of)
