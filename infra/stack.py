"""One stack, put together: config in, components out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pulumi.runtime.config
from pulumi_aws.get_caller_identity import get_caller_identity_output
from pulumi_aws.get_partition import get_partition_output
from pulumi_aws.provider import Provider

from infra.alarms import Alarms
from infra.brake import Brake
from infra.console import TestEvents
from infra.dashboard import Board
from infra.failures import Failures
from infra.function import Function, environment
from infra.lookup import Lookup
from infra.names import Names
from infra.notices import Notices
from infra.permissions import document, function_statements, sweep_statements, widget_statements
from infra.schedule import Hops, Schedule
from infra.settings import stack_settings
from infra.store import Store
from infra.widget import Widget
from janitor.core.model import Mode
from janitor.errors import BadInput
from janitor.permissions import Arns
from janitor.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import StackSettings


def deploy() -> None:
    """Check the whole config, then declare everything.

    Raises:
        pulumi.RunError: with every problem of the config; the engine prints it without a traceback.
    """
    try:
        settings = stack_settings(pulumi.get_project(), pulumi.get_stack(), _config())
    except BadInput as error:
        raise pulumi.RunError(f"the config of stack {pulumi.get_stack()} is refused:\n{error}") from None
    declare(settings, Names(project=pulumi.get_project(), stack=pulumi.get_stack(), region=settings.region))


def _config() -> Mapping[str, str]:
    """Return every key of the stack, also those that nothing asks for: ``pulumi.Config`` can only be asked by name."""
    return {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def declare(settings: StackSettings, names: Names) -> None:
    """Declare every resource, all of them with one explicit provider."""
    provider = Provider(
        names.short,
        region=settings.region,
        allowed_account_ids=list(settings.allowed_account_ids) or None,
        default_tags={"tags": {"project": names.project, "stack": names.stack, "managed-by": "pulumi"}},
    )
    opts = pulumi.ResourceOptions(provider=provider)
    invoke = pulumi.InvokeOutputOptions(provider=provider)
    account = get_caller_identity_output(opts=invoke).account_id
    place = pulumi.Output.format("{0}:{1}:{2}", get_partition_output(opts=invoke).partition, settings.region, account)

    store = Store(names, settings, opts)
    brake = Brake(names, opts)
    failures = Failures(names, opts)
    lookup = Lookup(names, settings, opts) if settings.lookup_table else None
    function = Function(
        names,
        settings,
        environment=environment(names, settings, store=store.location, brake=brake.name),
        permissions=lambda log_group: pulumi.Output.all(
            place=place,
            bucket=store.arn,
            parameter=brake.arn,
            queue=failures.arn,
            log_group=log_group,
        ).apply(lambda known: _policy(settings, known)),
        failures=failures,
        opts=opts,
    )
    notices = Notices(names, settings, failures=failures, account=account, opts=opts)
    Schedule(names, settings, function=function, failures=failures, account=account, opts=opts)
    hops = Hops(names, function=function, failures=failures, opts=opts)
    failures.let_rules_in([hops.rule_arn, notices.rule_arn])
    ringing = Alarms(names, settings, function=function.name, queue=failures.name, topic=notices.arn, opts=opts)
    widget = _widget(names, settings, place=place, store=store, code=function.code, opts=opts)
    Board(
        names,
        settings,
        function=function.name,
        alarms=ringing.arns,
        widget=None if widget is None else widget.arn,
        opts=opts,
    )
    if settings.test_event:
        TestEvents(names, function=function.name, opts=opts)

    pulumi.export("function", function.name)
    pulumi.export("store", store.location)
    pulumi.export("brake", brake.name)
    pulumi.export("failures", failures.url)
    if lookup is not None:
        pulumi.export("lookupTable", lookup.name)
    pulumi.export("notices", notices.arn)
    pulumi.export("dashboard", names.dashboard)
    if widget is not None:
        pulumi.export("widget", widget.name)


def _widget(
    names: Names,
    settings: StackSettings,
    *,
    place: pulumi.Output[str],
    store: Store,
    code: pulumi.FileArchive,
    opts: pulumi.ResourceOptions,
) -> Widget | None:
    """Declare the widget's function, unless the stack does without."""
    if not settings.widget:
        return None
    return Widget(
        names,
        settings,
        code=code,
        store=store.location,
        permissions=lambda log_group: pulumi.Output.all(place=place, bucket=store.arn, log_group=log_group).apply(
            lambda known: json.dumps(
                document(
                    *sweep_statements(Mode.REPORT, load(settings.flags), _arns(known["place"])),
                    *widget_statements(bucket=known["bucket"], log_group=known["log_group"]),
                )
            )
        ),
        opts=opts,
    )


def _policy(settings: StackSettings, known: Mapping[str, str]) -> str:
    """Return the function's policy as JSON, once the resources are known that it is about."""
    arns = _arns(known["place"])
    statements = [
        *sweep_statements(settings.mode, load(settings.flags), arns),
        *function_statements(
            bucket=known["bucket"],
            parameter=known["parameter"],
            event_bus=arns.bus("default"),
            queue=known["queue"],
            log_group=known["log_group"],
        ),
    ]
    return json.dumps(document(*statements))


def _arns(place: str) -> Arns:
    """Return how ARNs begin at a place, which is its partition, Region and account."""
    partition, region, account = place.split(":")
    return Arns(partition=partition, region=region, account=account)
