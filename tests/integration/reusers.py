"""Processes that all ask for the same definitions: forked from one that has imported everything, and has no threads.

One JSON object a line on stdin: ``ecs`` and ``dynamodb`` (addresses), ``processes``, ``definitions`` and perhaps
``dies``, the number of the process that is killed once it has registered. The answer is a line: what each was given.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from janitor.aws.registry import AwsRegistry
from janitor.reuse import Terms, reuse_or_register

if TYPE_CHECKING:
    from collections.abc import Mapping

TERMS = Terms(lease=timedelta(seconds=20), patience=timedelta(minutes=2))
AFTER_A_DEATH = Terms(lease=timedelta(seconds=1), patience=timedelta(minutes=2))


def definition(number: int) -> dict[str, Any]:
    """Return one of the definitions, all of one family."""
    return {
        "family": "airflow-dbt",
        "containerDefinitions": [{"name": "dbt", "image": f"dbt:{number}", "memory": 512}],
    }


def serve() -> None:
    """Answer a line for each line."""
    for line in sys.stdin:
        asked = json.loads(line)
        session = boto3.Session("a", "b", region_name="eu-west-1")
        clients = {name: session.client(name, endpoint_url=asked[name]) for name in ("ecs", "dynamodb")}
        read, write = os.pipe()
        children = [fork(number, asked, clients, write) for number in range(asked["processes"])]
        os.close(write)
        with os.fdopen(read) as answers:
            given = [json.loads(each) for each in answers]
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps({"given": given, "ended": ended}) + "\n")
        sys.stdout.flush()


def fork(number: int, asked: Mapping[str, Any], clients: Mapping[str, Any], write: int) -> int:
    """Start a process that asks for each definition, from another one on each."""
    child = os.fork()
    if child:
        return child
    try:
        dies = asked.get("dies")
        if number == dies:
            AwsRegistry.register = dying(AwsRegistry.register)  # type: ignore[method-assign] # scripted
        for turn in range(asked["definitions"]):
            wanted = (turn + number) % asked["definitions"]
            terms = TERMS if dies is None else AFTER_A_DEATH
            found = reuse_or_register(
                definition(wanted), table="lookup", by=f"process {number}", terms=terms, **clients
            )
            os.write(write, (json.dumps([wanted, str(found.revision), found.how]) + "\n").encode())
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a child ends here, whatever happens
        os.write(write, (json.dumps([-1, repr(error), "failed"]) + "\n").encode())
        os._exit(1)


def dying(register: Any) -> Any:  # noqa: ANN401 - a method
    """Return a registration that nobody survives."""

    def registered(*args: Any) -> None:  # noqa: ANN401 - as above
        register(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    return registered


if __name__ == "__main__":
    serve()
