"""``janitor demo``: a report, a sweep, a report, the next commands; and an endpoint to play with."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from janitor import demo
from janitor.core.model import Mode
from janitor.core.report import Ending
from tests.commandline import small_account

if TYPE_CHECKING:
    import pytest

    from janitor.core.report import Report


def test_the_demo_reports_sweeps_and_reports_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small account here; ``.ci/run`` runs it on its own."""
    ecs = small_account()
    monkeypatch.setattr(demo, "VirtualClock", lambda _: ecs.clock)
    monkeypatch.setattr(demo, "believable_account", lambda _: ecs)
    said: list[str] = []
    shown: list[Report] = []

    def table(report: Report) -> str:
        shown.append(report)
        return f"(report {len(shown)})"

    demo.show(say=said.append, table=table)
    assert [report.mode for report in shown] == [Mode.REPORT, Mode.DELETE, Mode.REPORT]
    assert all(report.ending is Ending.FINISHED for report in shown)
    assert [report.due.value for report in shown] == [45, 45, 0]
    text = "\n".join(said)
    assert text.index("$ janitor report") < text.index("$ janitor sweep --yes") < text.rindex("$ janitor report")
    assert len(re.findall(r"^  janitor (?:report|explain)", text, re.MULTILINE)) == 3


def test_the_served_account_answers_until_ctrl_c() -> None:
    """The address it prints works with --endpoint-url, and Ctrl-C ends it without a traceback."""
    command = [sys.executable, "-m", "janitor", "demo", "--serve"]
    environment = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_REGION": "eu-west-1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert url is not None
        reported = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-m", "janitor", "report", "--family", "pricing-api", "--endpoint-url", url[0]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
    assert "A sweep would delete 29 revisions in 1 family" in reported.stdout
    assert process.returncode == 0
    assert "Traceback" not in complaints
