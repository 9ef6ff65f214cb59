"""A small function in MiniStack: takes metrics out of a function's log, as CloudWatch itself does in AWS.

MiniStack 1.5.33 does not read the embedded metric format. Its source is the function's zip: it imports nothing of ours.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> None:
    """Put every figure of the log lines that a subscription filter hands over."""
    lines = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["logEvents"]
    for line in lines:
        document = json.loads(line["message"])
        for directive in document["_aws"]["CloudWatchMetrics"]:
            boto3.client("cloudwatch").put_metric_data(
                Namespace=directive["Namespace"],
                MetricData=[
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": document[name]} for name in names],
                        "Timestamp": document["_aws"]["Timestamp"] / 1_000,
                        "Values": values if isinstance(values := document[metric["Name"]], list) else [values],
                    }
                    for names in directive["Dimensions"]
                    for metric in directive["Metrics"]
                ],
            )
