"""One queue for whatever failed: runs that raised, starts and events that could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.sqs import Queue, QueuePolicy

from infra.permissions import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.names import Names

_KEPT_SECONDS = 14 * 86_400  # the longest that a queue keeps (Amazon SQS API reference)


class Failures(pulumi.ComponentResource):
    """A queue that rings while something lies in it. Rules may write to it once ``let_rules_in`` has named them."""

    def __init__(self, names: Names, opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:Failures", names.short, None, opts)
        self._short = names.short
        self._queue = Queue(
            f"{names.short}-failures",
            name=f"{names.prefix}-failures",
            message_retention_seconds=_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self._queue.arn
        self.name = self._queue.name
        self.url = self._queue.url
        self.register_outputs({})

    def let_rules_in(self, rules: Sequence[pulumi.Output[str]]) -> None:
        """Let EventBridge rules, by their ARNs, put here what they could not deliver; everybody must use TLS."""
        send: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(rules)}},
        }
        plain: dict[str, Any] = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": self.arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        QueuePolicy(
            f"{self._short}-failures",
            queue_url=self.url,
            policy=pulumi.Output.json_dumps(document(send, plain)),
            opts=pulumi.ResourceOptions(parent=self),
        )
