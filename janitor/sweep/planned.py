"""A plan is for one account: which one this is, the first listing that names a revision tells."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from janitor.core.model import Status
from janitor.errors import BadInput

if TYPE_CHECKING:
    from janitor.core.plan import Plan
    from janitor.ports import TaskDefinitions


def check_account(plan: Plan, task_definitions: TaskDefinitions) -> None:
    """Refuse a plan of another account: for one listing, or a few where nothing of its first family is left.

    Raises:
        BadInput: if the account is another one.
    """
    for family in chain(islice(plan.numbers, 1), task_definitions.families()):
        for status in (Status.INACTIVE, Status.ACTIVE, Status.DELETE_IN_PROGRESS):
            next(iter(task_definitions.pages(family, status)), None)
            account = task_definitions.account
            if account == plan.account:
                return
            if account is not None:
                raise BadInput([f"--plan: it is for account {plan.account}, and this is account {account}"])
