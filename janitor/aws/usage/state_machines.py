"""Who uses a revision, as Step Functions knows it: the definitions of the state machines.

Of a state machine its current definition is read. Published versions are not: each would take a call, an account may
have 1,000 of them a state machine, and the calls that tell which of them an alias runs are permitted once a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.aws.usage.definitions import task_definitions_in
from janitor.aws.usage.users import Rank
from janitor.errors import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

    from janitor.aws.client import ServiceApi
    from janitor.aws.usage.reading import Reading
    from janitor.aws.usage.users import Users

ACTIONS = ("states:DescribeStateMachine", "states:ListStateMachines")

SOURCE = "Step Functions state machines"


class StateMachineUsers:
    """Tells of the state machines that start tasks."""

    def __init__(self, api: ServiceApi[SFNClient], users: Users, reading: Reading) -> None:
        self._api = api
        self._users = users
        self._reading = reading

    def start(self) -> None:
        """List the state machines, and begin to read their definitions."""
        with self._api.calling("ListStateMachines") as states:
            for page in states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 1_000}):
                for machine in page["stateMachines"]:
                    self._reading.add(
                        "definitions", SOURCE, self._read_definition, machine["stateMachineArn"], machine["name"]
                    )

    def _read_definition(self, arn: str, name: str) -> None:
        operation = "DescribeStateMachine"
        try:
            with self._api.calling(operation) as states:
                definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
        except CallFailed as error:
            if error.code == "StateMachineDoesNotExist":  # it went after it was listed
                return
            raise
        try:
            named = task_definitions_in(definition)
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # The words of the error may quote the definition: they stay here.
            message = f"the definition of {name} is not in the Amazon States Language ({type(error).__name__})"
            raise CallFailed(operation, "MalformedResponse", message) from None
        for reference in named.references:
            self._users.may_start(reference, Rank.STATE_MACHINE, f"Step Functions state machine {name} names it")
        if named.depends_on_input:
            self._users.depends_on_input(f"state machine {name}")
