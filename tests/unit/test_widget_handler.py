"""The entry of the widget's Lambda: nobody is shown a stack trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from janitor import widget_handler

if TYPE_CHECKING:
    import pytest


@dataclass
class Context:
    """What Lambda says of an invocation."""

    aws_request_id: str = "7bf73129"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:customWidget-x"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return 60_000


def test_what_nobody_thought_of_is_a_sentence_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The sentence names the request, by which the log is found; of the call itself the log says nothing."""

    def fails(account: str | None) -> object:
        raise RuntimeError(f"broken in {account}")

    monkeypatch.setattr(widget_handler, "_ready", fails)
    html = widget_handler.handler({"secret": "s3cret"}, Context())  # type: ignore[arg-type]  # what it uses of a context
    assert html == widget_handler.FAILED.format("7bf73129")
    assert "RuntimeError: broken in 123456789012" in caplog.text
    assert "s3cret" not in caplog.text + html
    assert [each.levelname for each in caplog.records] == ["ERROR"]
