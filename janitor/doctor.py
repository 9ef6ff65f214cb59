"""The doctor: looks at an account, and at the stack where one is deployed, and changes nothing.

Each check is one line: what was seen, and the next step. What could not be asked, since a permission is missing or the
endpoint does not know the call, is not tried: that is no problem of the janitor's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from janitor.aws import stack, trials
from janitor.aws.brake import SsmBrake
from janitor.core.check import not_tried, ok, problem, warning
from janitor.core.grants import grants
from janitor.core.model import Mode
from janitor.core.report import Ending
from janitor.errors import AccessDenied, BadInput, CallFailed, StoreFailed, Unreachable
from janitor.function import LEAST, MARGIN
from janitor.permissions import READING, Arns
from janitor.settings.function import function_settings
from janitor.store import last_report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from janitor.aws.client import Api
    from janitor.core.check import Check
    from janitor.core.model import UsageSource
    from janitor.core.retention import Policy
    from janitor.errors import JanitorError
    from janitor.ports import Blobs, Clock
    from janitor.settings.function import FunctionSettings

DELETE = "ecs:DeleteTaskDefinitions"
HANDLER = "janitor.handler.handler"
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
LEAST_MEMORY = 256
"""MB: a sweep of 1,000,000 revisions takes about 100 with its runtime, and Lambda gives CPU by memory."""

NIGHTLY = timedelta(hours=27)
"""After so long without a sweep the stack's own alarm rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is to be looked at: what permissions are needed for, and what is deployed. ``off`` is not to be read."""

    mode: Mode | None
    policy: Policy
    off: Collection[UsageSource] = ()
    function: str | None = None
    stack: str | None = None
    store: str | None = None
    brake: str | None = None


class Doctor:
    """Makes the checks.

    ``client_of`` gives the clients with which a sweep reads, ``client`` those of the doctor's own questions,
    ``open_store`` the store at a location.
    """

    def __init__(
        self,
        *,
        api: Api,
        client_of: Callable[[str], Any],
        client: Callable[[str], Any],
        open_store: Callable[[str], Blobs],
        clock: Clock,
    ) -> None:
        self._api = api
        self._client_of = client_of
        self._client = client
        self._open_store = open_store
        self._clock = clock

    def checks(self, asked: Questions) -> Iterator[Check]:
        """Make one check after the other."""
        caller, said = self._caller()
        yield said
        yield ok("Region", f"{self._api.region}, at {self._api.endpoint}")
        yield self._botocore()
        deployed: stack.Deployed | None = None
        settings: FunctionSettings | None = None
        if asked.function is not None:
            deployed, said = self._function(asked.function)
            yield said
            if deployed is not None:
                settings, said = _settings(deployed)
                yield said
        yield from self._reads(asked.off)
        if (asked.mode or (settings.mode if settings else Mode.REPORT)) is Mode.DELETE:
            yield self._deletion(asked, caller, deployed)
        if deployed is not None:
            yield from self._schedules(deployed)
        store = asked.store or (settings.store if settings else None)
        if store is not None:
            yield self._last_sweep(store)
        name = asked.stack or (settings.stack if settings else None)
        if name is not None or deployed is not None:
            yield from self._alarms(name, deployed)
        brake = asked.brake or (settings.brake if settings else None)
        if brake is not None:
            yield self._brake(brake)

    def _caller(self) -> tuple[stack.Caller | None, Check]:
        about = "credentials"
        try:
            caller = stack.caller(self._client("sts"))
        except AccessDenied as error:
            return None, problem(about, str(error), "sign in again, or choose another --profile")
        except CallFailed as error:
            return None, _unasked(about, error)
        return caller, ok(about, f"account {caller.account}, {caller.arn}")

    def _botocore(self) -> Check:
        if trials.knows_deletion_dates(self._api):
            return ok("botocore", "it reads deleteRequestedAt")
        seen = "it is older than 1.43.0, so how long a deletion has been in progress stays unknown"
        return warning("botocore", seen, "install a newer boto3")

    def _function(self, name: str) -> tuple[stack.Deployed | None, Check]:
        about = "function"
        try:
            found = stack.deployed(self._client("lambda"), name)
        except AccessDenied as error:
            return None, _unasked(about, error)
        except CallFailed as error:
            if error.code == "ResourceNotFoundException":
                return None, problem(about, f"there is no function {name}", "give its name, and its --region")
            return None, _unasked(about, error)
        wrong = [
            words
            for right, words in (
                (found.runtime in RUNTIMES, f"its runtime is {found.runtime}, not {' or '.join(RUNTIMES)}"),
                (found.handler == HANDLER, f"its handler is {found.handler}, not {HANDLER}"),
                (found.timeout >= MARGIN + LEAST, f"{found.timeout} s are too few: {MARGIN + LEAST:.0f} are needed"),
                (found.state in {"Active", "Inactive", "unknown"}, f"its state is {found.state}"),
            )
            if not right
        ]
        if wrong:
            return found, problem(about, "; ".join(wrong), "deploy it again as the program has it")
        seen = f"{found.runtime}, {found.timeout} s, {found.memory} MB"
        if found.memory < LEAST_MEMORY:
            return found, warning(about, seen, f"give it {LEAST_MEMORY} MB or more")
        return found, ok(about, seen)

    def _reads(self, off: Collection[UsageSource]) -> Iterator[Check]:
        for source, actions in READING.items():
            for action in actions if source not in off else ():
                yield self._read(action, source)

    def _read(self, action: str, source: str) -> Check:
        try:
            denied = trials.denied(self._api, self._client_of, action)
        except Unreachable as error:
            return problem(action, str(error), "see to the network, or give another --endpoint-url")
        except CallFailed as error:
            return _unasked(action, error)
        if denied is None:
            return ok(action, "permitted")
        return problem(action, denied, f"permit it, to read {source}: janitor iam --mode report prints the policy")

    def _deletion(self, asked: Questions, caller: stack.Caller | None, deployed: stack.Deployed | None) -> Check:
        """Ask IAM: no call of DeleteTaskDefinitions is sure to delete nothing."""
        principal = deployed.role if deployed is not None else caller.principal if caller is not None else None
        if principal is None:
            return not_tried(DELETE, "whose permission it would be is not known")
        try:
            granted = grants(asked.policy)
            if not granted.allowed:
                return not_tried(DELETE, "the policy deletes nothing")
            account = "*" if caller is None else caller.account
            partition = principal.split(":")[1]
            arns = Arns(partition=partition, region=self._api.region, account=account)
            decisions = {
                pattern: stack.simulated(self._client("iam"), principal, DELETE, arns.family(pattern))
                for pattern in granted.allowed[:10]
            }
        except (AccessDenied, CallFailed) as error:
            return _unasked(DELETE, error)
        refused = [pattern for pattern, decision in decisions.items() if decision != "allowed"]
        if refused:
            seen = f"IAM says that {principal} may not, for {', '.join(refused)}"
            return problem(DELETE, seen, "permit it: janitor iam --mode delete prints the policy")
        return ok(DELETE, f"IAM says that {principal} may")

    def _schedules(self, deployed: stack.Deployed) -> Iterator[Check]:
        about = "schedule"
        try:
            found = stack.schedules(self._client("scheduler"), deployed.arn)
        except (AccessDenied, CallFailed) as error:
            yield _unasked(about, error)
            return
        if not found:
            yield problem(about, "no schedule of EventBridge Scheduler wakes the function", "deploy it again")
        for each in found:
            seen = f"{each.name}: {each.expression}, {each.time_zone}"
            if each.enabled:
                yield ok(about, seen)
            else:
                yield warning(about, f"{seen}, disabled", "enable it, or nothing is swept")

    def _last_sweep(self, store: str) -> Check:
        about = "last sweep"
        try:
            content = last_report.get(self._open_store(store))
        except (StoreFailed, BadInput) as error:
            return _unasked(about, error)
        if content is None:
            return warning(about, f"there is no report in {store} yet", "wait for the schedule, or invoke the function")
        try:
            report = json.loads(content)
            finished_at, ending = datetime.fromisoformat(report["finished_at"]), str(report["ending"])
            age = self._clock.now() - finished_at
            seen = f"{report['mode']}, {finished_at:%Y-%m-%d %H:%M} UTC, {ending.replace('_', ' ')}"
        except (ValueError, KeyError, TypeError) as error:
            return problem(about, f"the report in {store} cannot be read ({type(error).__name__})", "look at it")
        if ending in {Ending.COULD_NOT_FINISH, Ending.REFUSED_BY_GUARD}:
            return problem(about, f"{seen}: {report.get('ending_reason')}", "see to that, then invoke the function")
        if age > NIGHTLY:
            return warning(about, f"{seen}: {age.total_seconds() / 3_600:.0f} hours ago", "look at schedule and log")
        return ok(about, seen)

    def _alarms(self, name: str | None, deployed: stack.Deployed | None) -> Iterator[Check]:
        about = "alarms"
        dimensions = {"Stack": name, "FunctionName": deployed.arn.split(":")[6] if deployed is not None else None}
        try:
            found = stack.alarms(
                self._client("cloudwatch"), {key: value for key, value in dimensions.items() if value is not None}
            )
        except (AccessDenied, CallFailed) as error:
            yield _unasked(about, error)
            return
        ringing = [each for each in found if each.state == "ALARM"]
        for each in ringing:
            yield problem(about, f"{each.name} rings: {each.reason}", "its description has the runbook's address")
        if not found:
            yield warning(about, "none watches this stack", "deploy it again")
        elif not ringing:
            yield ok(about, f"{len(found)}, none rings")

    def _brake(self, name: str) -> Check:
        on = SsmBrake(self._client("ssm"), name).on()
        if on is None:
            return ok("brake", f"{name} is off")
        return warning("brake", on, "set it to off to let the janitor sweep")


def _settings(deployed: stack.Deployed) -> tuple[FunctionSettings | None, Check]:
    """Read the function's environment as the function does; the policy file is in its zip, which is not read."""
    about = "settings"
    environment = dict(deployed.environment)
    policy = environment.pop("JANITOR_POLICY", None)
    try:
        settings = function_settings(environment, folder=Path())
    except BadInput as error:
        return None, problem(about, "; ".join(error.problems), "correct the stack's configuration, deploy it again")
    file = f", {policy} in its zip not looked at" if policy else ""
    return settings, ok(about, f"stack {settings.stack}, mode {settings.mode}{file}")


def _unasked(about: str, error: JanitorError) -> Check:
    if isinstance(error, AccessDenied):
        return not_tried(about, str(error), f"permit {error.permission} to who runs the doctor")
    return not_tried(about, f"it could not be asked: {error}")
