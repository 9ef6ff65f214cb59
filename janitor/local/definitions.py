"""The operations on task definitions and their tags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from janitor.local.behaviour import DeletingAgain, DeniedEntry
from janitor.local.bodies import SIZE_LIMIT
from janitor.local.families import MISSING_DATE, Status
from janitor.local.names import FAMILY
from janitor.local.paging import RevisionListing, RevisionPages, page_of_names
from janitor.local.replies import ApiError, client_error, invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from janitor.local.behaviour import Behaviour
    from janitor.local.families import Families, Family
    from janitor.local.faults import Faults
    from janitor.local.names import Names
    from janitor.local.paging import Tokens
    from janitor.local.replies import Json

BATCH_LIMIT = 10  # the API's limit for one deletion
_NOT_IN_THE_BODY = ("family", "tags")


class Definitions:
    """Answers what ECS is asked about task definitions."""

    def __init__(
        self,
        families: Families,
        *,
        names: Names,
        behaviour: Behaviour,
        faults: Faults,
        tokens: Tokens,
        now: Callable[[], float],
    ) -> None:
        self._families = families
        self._names = names
        self._behaviour = behaviour
        self._faults = faults
        self._tokens = tokens
        self._now = now
        self._pages = RevisionPages(families, tokens, behaviour.cursor)
        self._registered_by = f"arn:{names.partition}:iam::{names.account}:root"

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "ListTaskDefinitions": self._list,
            "ListTaskDefinitionFamilies": self._list_families,
            "DescribeTaskDefinition": self._describe,
            "RegisterTaskDefinition": self._register,
            "DeregisterTaskDefinition": self._deregister,
            "DeleteTaskDefinitions": self._delete,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def startable(self, reference: str) -> str:
        """Return the ARN of a revision that a new task, service or task set may start from."""
        family, number = self._existing(reference)
        status = family.status(number)
        window = self._behaviour.startable_after_deregistration.total_seconds()
        just_left = status is Status.INACTIVE and self._now() - family.deregistered[number] < window
        if status is not Status.ACTIVE and not just_left:
            raise client_error(self._behaviour.inactive)
        return self._names.task_definition(family.name, number)

    def containers(self, arn: str) -> list[Json]:
        """Return the container definitions of a revision that exists."""
        family, number = self._existing(arn)
        containers: list[Json] = family.origin(number).body(number)["containerDefinitions"]
        return containers

    def _list(self, params: Json) -> Json:
        listing = RevisionListing(
            status=Status(params.get("status") or Status.ACTIVE),
            family=params.get("familyPrefix") or None,
            descending=params.get("sort") == "DESC",
        )
        page, token = self._pages.page(listing, params)
        body: Json = {"taskDefinitionArns": [self._names.task_definition(*revision) for revision in page]}
        return body | {"nextToken": token} if token else body

    def _list_families(self, params: Json) -> Json:
        prefix, status = params.get("familyPrefix") or "", params.get("status") or "ALL"
        names = [
            family.name for family in self._families if family.name.startswith(prefix) and _is_listed(family, status)
        ]
        return page_of_names(self._tokens, ["families", prefix, status], params, names, "families")

    def _describe(self, params: Json) -> Json:
        family, number = self._existing(params["taskDefinition"])
        body: Json = {"taskDefinition": self._description(family, number)}
        if "TAGS" in (params.get("include") or []):
            body["tags"] = _tag_list(family.origin(number).tags)
        return body

    def _register(self, params: Json) -> Json:
        _check_definition(params)
        name = params["family"]
        family = self._families.get_or_create(name)
        self._check_limit(family)
        tags = _tags(params.get("tags") or [])
        body = {
            "volumes": [],
            "placementConstraints": [],
            "compatibilities": ["EC2", *(params.get("requiresCompatibilities") or ())],
        } | {key: value for key, value in params.items() if key not in _NOT_IN_THE_BODY and value is not None}
        number = family.register(body, now=self._now(), tags=tags, registered_by=self._registered_by)
        return {"taskDefinition": self._description(family, number), "tags": _tag_list(tags)}

    def _deregister(self, params: Json) -> Json:
        reference = self._names.parse(params["taskDefinition"])
        if reference is None or reference.number is None:
            message = "A task definition is deregistered by its family and revision."
            raise invalid_parameter(message)
        family, number = self._existing(params["taskDefinition"])
        status = family.status(number)
        if status is Status.DELETE_IN_PROGRESS:
            message = "The task definition is being deleted."
            raise client_error(message)
        if status is Status.ACTIVE:  # an INACTIVE one comes back unchanged
            self._families.move(family, number, Status.INACTIVE, self._now())
        return {"taskDefinition": self._description(family, number)}

    def _delete(self, params: Json) -> Json:
        entries = [self._entry(text) for text in params["taskDefinitions"]]
        if not 1 <= len(entries) <= BATCH_LIMIT:
            message = f"Between 1 and {BATCH_LIMIT} task definitions can be deleted at once."
            raise invalid_parameter(message)
        denied = {entry for entry in entries if self._denied(*entry)}
        if denied and self._behaviour.denied_entry is DeniedEntry.WHOLE_BATCH:
            arn = self._names.task_definition(*min(denied))
            raise ApiError("AccessDeniedException", self._behaviour.not_authorized.format(arn=arn))
        deleted: list[Json] = []
        failures: list[Json] = []
        for name, number in entries:
            arn = self._names.task_definition(name, number)
            failure = self._behaviour.reason_denied if (name, number) in denied else self._refusal(name, number)
            refusal = self._faults.refusal(arn)
            if refusal is not None:
                failures.append(_failure(arn, refusal.reason, refusal.detail))
            elif failure is not None:
                failures.append(_failure(arn, failure))
            else:
                deleted.append(self._start_deletion(name, number))
        return {"taskDefinitions": deleted, "failures": failures}

    def _entry(self, text: str) -> tuple[str, int]:
        reference = self._names.parse(text)
        if reference is None or reference.number is None:
            message = f"A task definition is deleted by its family and revision, not by '{text}'."
            raise invalid_parameter(message)
        return reference.family, reference.number

    def _denied(self, name: str, number: int) -> bool:
        family = self._families.get(name)
        exists = family is not None and family.status(number) is not Status.GONE
        tags = family.origin(number).tags if family is not None and exists else {}
        return self._faults.denies(self._names.task_definition(name, number), tags)

    def _refusal(self, name: str, number: int) -> str | None:
        """Return the reason why ECS refuses to delete a revision, None if it does not."""
        family = self._families.get(name)
        match family.status(number) if family is not None else Status.GONE:
            case Status.GONE:
                return self._behaviour.reason_missing
            case Status.ACTIVE:
                return self._behaviour.reason_active
            case Status.DELETE_IN_PROGRESS if self._behaviour.deleting_again is DeletingAgain.FAILS:
                return self._behaviour.reason_deleting_again
            case _:
                return None

    def _start_deletion(self, name: str, number: int) -> Json:
        family = self._families.get_or_create(name)
        if family.status(number) is Status.INACTIVE:
            self._families.move(family, number, Status.DELETE_IN_PROGRESS, self._now())
        return self._description(family, number)

    def _tag(self, params: Json) -> Json:
        family, number = self._existing(params["resourceArn"])
        family.tag(number, {**family.origin(number).tags, **_tags(params["tags"])})
        return {}

    def _untag(self, params: Json) -> Json:
        family, number = self._existing(params["resourceArn"])
        kept = {key: value for key, value in family.origin(number).tags.items() if key not in params["tagKeys"]}
        family.tag(number, kept)
        return {}

    def _list_tags(self, params: Json) -> Json:
        family, number = self._existing(params["resourceArn"])
        return {"tags": _tag_list(family.origin(number).tags)}

    def _existing(self, text: str) -> tuple[Family, int]:
        """Return the revision that a request names; a bare family means its latest ACTIVE one."""
        reference = self._names.parse(text)
        family = self._families.get(reference.family) if reference else None
        if reference is None or family is None:
            raise client_error(self._behaviour.cannot_describe)
        number = reference.number or next(family.numbers(Status.ACTIVE, descending=True), 0)
        if family.status(number) is Status.GONE:
            raise client_error(self._behaviour.cannot_describe)
        return family, number

    def _description(self, family: Family, number: int) -> Json:
        origin = family.origin(number)
        description: Json = {
            "taskDefinitionArn": self._names.task_definition(family.name, number),
            **origin.body(number),
            "family": family.name,
            "revision": number,
            "status": family.status(number),
        }
        dates: dict[str, Any] = {
            "registeredAt": family.registered[number],
            "deregisteredAt": family.deregistered[number],
            "deleteRequestedAt": family.delete_requested[number] if family.delete_requested else MISSING_DATE,
        }
        description |= {name: round(date, 3) for name, date in dates.items() if date != MISSING_DATE}
        if origin.registered_by is not None:
            description["registeredBy"] = origin.registered_by
        return description

    def _check_limit(self, family: Family) -> None:
        counted = family.highest
        if self._behaviour.deletion_frees_quota:
            counted -= family.count(Status.GONE)
        if counted >= self._behaviour.limit:
            raise ApiError("LimitExceededException", self._behaviour.limit_exceeded)


def _is_listed(family: Family, status: str) -> bool:
    active = family.has(Status.ACTIVE)
    if status == "ACTIVE":
        return active
    inactive = family.has(Status.INACTIVE)
    if status == "INACTIVE":
        return inactive and not active
    return active or inactive or family.has(Status.DELETE_IN_PROGRESS)


def _check_definition(params: Json) -> None:
    if not FAMILY.fullmatch(params["family"]):
        message = "Family contains invalid characters."
        raise client_error(message)
    if not params["containerDefinitions"]:
        message = "Container list cannot be empty."
        raise client_error(message)
    for container in params["containerDefinitions"]:
        for required in ("name", "image"):
            if not container.get(required):
                message = f"Container.{required} should not be null or empty."
                raise client_error(message)
    if len(json.dumps(params)) > SIZE_LIMIT:
        message = f"The task definition is larger than {SIZE_LIMIT} bytes."
        raise client_error(message)


def _failure(arn: str, reason: str, detail: str | None = None) -> Json:
    return {"arn": arn, "reason": reason} | ({"detail": detail} if detail else {})


def _tags(tags: list[Json]) -> dict[str, str]:
    return {tag["key"]: tag.get("value") or "" for tag in tags if tag.get("key")}


def _tag_list(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in tags.items()]
