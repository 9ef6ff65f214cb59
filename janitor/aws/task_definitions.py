"""Task definitions: families, listings, descriptions, deletion."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

import botocore

from janitor.aws.content import Translation, body_in, keep_bodies
from janitor.core.model import PAGE_SIZE, Description, Revision, RevisionId, Status
from janitor.errors import CallFailed, ListingBroken
from janitor.ports import Answer, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_ecs.type_defs import DescribeTaskDefinitionResponseTypeDef, FailureTypeDef

    from janitor.aws.client import Api
    from janitor.core.model import Content

READ_ACTIONS = ("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitionFamilies", "ecs:ListTaskDefinitions")
DELETE_ACTIONS = ("ecs:DeleteTaskDefinitions",)

PAGES_WITHOUT_PROGRESS = 10
"""Pages of a listing that may bring nothing new, one after the other, before it is taken for endless."""

_ARN = re.compile(
    r"(?P<prefix>arn:[^:\s]+:ecs:[^:\s]+:(?P<account>[^:\s]*):task-definition/)(?P<family>[^:/\s]+):(?P<number>\d{1,18})",
    re.ASCII,
)
_NAME = re.compile(r"(?P<family>[^:/\s]+):(?P<number>\d{1,18})", re.ASCII)


def revision_in(reference: str) -> RevisionId | None:
    """Return the revision that an ARN or ``family:number`` names, or None if it names none."""
    match = _ARN.fullmatch(reference) or _NAME.fullmatch(reference)
    return None if match is None else RevisionId(match["family"], int(match["number"]))


class AwsTaskDefinitions:
    """The task definitions of one account and Region, through ECS. Satisfies ``janitor.ports.TaskDefinitions``."""

    def __init__(self, api: Api, *, with_content: bool = False) -> None:
        """With ``with_content`` what is described brings its content, for the archive."""
        self._api = api
        self._translation = Translation(api.client.meta.service_model) if with_content else None
        if with_content:
            keep_bodies(api.client)
        self._arn_prefix: str | None = None
        self.account: str | None = None
        self.region = api.region

    @property
    def blind_to_deletion_dates(self) -> str | None:
        """Say why no description tells ``deleteRequestedAt``; None where it does.

        The field is in botocore's model from 1.43 on; an older one drops it from the answer without a word.
        """
        definition = self._api.client.meta.service_model.shape_for("TaskDefinition")
        if "deleteRequestedAt" in getattr(definition, "members", {}):
            return None
        return (
            f"botocore {botocore.__version__} is too old to tell since when revisions are in DELETE_IN_PROGRESS "
            "(deleteRequestedAt; 1.43 can): only what is on our own record is followed up"
        )

    def owner(self) -> str | None:
        """Return the account's number, from the first ARN that a listing tells; None where there is no revision."""
        for status in Status:
            with self._api.calling("ListTaskDefinitions") as ecs:
                arns = ecs.list_task_definitions(status=status.value, maxResults=1).get("taskDefinitionArns", [])
            for match in filter(None, map(_ARN.fullmatch, arns)):
                self.account = match["account"]
                return self.account
        return None

    def families(self) -> Iterator[str]:
        """List every family that has a revision, ACTIVE or INACTIVE, by name."""
        operation = "ListTaskDefinitionFamilies"
        with self._api.calling(operation) as ecs:
            pages = ecs.get_paginator("list_task_definition_families").paginate(
                status="ALL", PaginationConfig={"PageSize": PAGE_SIZE}
            )
            for page in pages:
                yield from page.get("families", [])

    def pages(self, family: str, status: Status, *, newest_first: bool = False) -> Iterator[Page]:
        """List the revision numbers of a family that have a status, ascending unless told otherwise.

        ``familyPrefix`` is the full name of the family, despite its name (Amazon ECS API reference).
        """
        operation = "ListTaskDefinitions"
        with self._api.calling(operation) as ecs:
            pages = iter(
                ecs.get_paginator("list_task_definitions").paginate(
                    familyPrefix=family,
                    status=status.value,
                    sort="DESC" if newest_first else "ASC",
                    PaginationConfig={"PageSize": PAGE_SIZE},
                )
            )
        started = False
        furthest: int | None = None
        nothing_new = 0
        while True:
            try:
                with self._api.calling(operation):
                    page = next(pages, None)
            except CallFailed as error:
                if started:
                    raise ListingBroken(operation, error.code, error.detail) from error
                raise
            if page is None:
                return
            started = True
            with self._api.calling(operation):
                numbers = tuple(self._number(arn, family) for arn in page.get("taskDefinitionArns", []))
            ends = [*numbers, *([] if furthest is None else [furthest])]
            reached = (min if newest_first else max)(ends, default=None)
            nothing_new = nothing_new + 1 if reached == furthest else 0
            furthest = reached
            if nothing_new >= PAGES_WITHOUT_PROGRESS:
                raise ListingBroken(operation, "MalformedResponse", f"{nothing_new} pages with nothing new in {family}")
            yield Page(numbers=numbers, last=not page.get("nextToken"))

    def describe(self, revision: RevisionId) -> Revision | None:
        """Return a revision's status, dates and tags, or None when it does not exist any more."""
        described = self._described(revision)
        with self._api.calling("DescribeTaskDefinition"):
            if described is None:
                return None
            content = None if self._translation is None else self._translation.content(body_in(described))
            return _revision(revision, described, content)

    def describe_fully(self, revision: RevisionId) -> Description | None:
        """Return a revision with its images, or None when it does not exist any more."""
        described = self._described(revision)
        if described is None:
            return None
        with self._api.calling("DescribeTaskDefinition"):
            found = _revision(revision, described)
            definition = described["taskDefinition"]
            return Description(
                revision=found,
                images={
                    container.get("name", "?"): container.get("image", "?")
                    for container in definition.get("containerDefinitions", [])
                },
                registered_by=definition.get("registeredBy"),
            )

    def delete(self, batch: Sequence[RevisionId]) -> Answer:
        """Ask for the deletion of 1 to 10 revisions and return what ECS answered for each.

        The call succeeds even where some entries do not: those are in ``failures`` (Amazon ECS API reference).
        """
        prefix = self._arn_prefix or ""
        with self._api.calling("DeleteTaskDefinitions") as ecs:
            response = ecs.delete_task_definitions(taskDefinitions=[f"{prefix}{revision}" for revision in batch])
        asked = frozenset(batch)
        accepted = {
            revision_in(definition.get("taskDefinitionArn", ""))
            for definition in response.get("taskDefinitions", [])
            if definition.get("status") == Status.DELETE_IN_PROGRESS
        }
        refused = {
            revision: _words(failure)
            for failure in response.get("failures", [])
            if (revision := revision_in(failure.get("arn", ""))) is not None and revision in asked
        }
        return Answer(
            accepted=frozenset(revision for revision in accepted if revision in asked and revision not in refused),
            refused=refused,
            request_id=response.get("ResponseMetadata", {}).get("RequestId"),
        )

    def _number(self, arn: str, family: str) -> int:
        match = _ARN.fullmatch(arn)
        if match is None or match["family"] != family:
            raise CallFailed("ListTaskDefinitions", "MalformedResponse", f"it listed {arn!r} for family {family}")
        self._arn_prefix = match["prefix"]
        self.account = match["account"]
        return int(match["number"])

    def _described(self, revision: RevisionId) -> DescribeTaskDefinitionResponseTypeDef | None:
        try:
            with self._api.calling("DescribeTaskDefinition") as ecs:
                return ecs.describe_task_definition(taskDefinition=str(revision), include=["TAGS"])
        except CallFailed as error:
            # ECS has no code of its own for "does not exist": reported is ClientException, whose texts are not
            # documented. The name we asked for came from a listing, so there is nothing else wrong with it.
            if error.code == "ClientException":
                return None
            raise


def _revision(
    asked: RevisionId, described: DescribeTaskDefinitionResponseTypeDef, content: Content | None = None
) -> Revision:
    definition = described.get("taskDefinition", {})
    if revision_in(definition.get("taskDefinitionArn", "")) != asked:
        raise CallFailed("DescribeTaskDefinition", "MalformedResponse", f"the answer is not about {asked}")
    try:
        status = Status(definition.get("status", ""))
    except ValueError as error:
        raise CallFailed("DescribeTaskDefinition", "MalformedResponse", f"{asked} has an unknown status") from error
    dates = (definition.get("registeredAt"), definition.get("deregisteredAt"), definition.get("deleteRequestedAt"))
    if any(date is not None and date.tzinfo is None for date in dates):
        raise CallFailed("DescribeTaskDefinition", "MalformedResponse", f"{asked} has a date without a time zone")
    # botocore gives them in the machine's own zone, whose arithmetic costs several times that of UTC
    registered_at, deregistered_at, delete_requested_at = (date and date.astimezone(UTC) for date in dates)
    return Revision(
        id=asked,
        status=status,
        registered_at=registered_at,
        deregistered_at=deregistered_at,
        delete_requested_at=delete_requested_at,
        registered_by=_principal(definition.get("registeredBy")),
        tags={tag.get("key", ""): tag.get("value", "") for tag in described.get("tags", [])},
        content=content,
    )


def _principal(arn: str | None) -> str | None:
    """Return who registered, without the session of an assumed role: every run of a DAG may have one of its own.

    ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`` is the form of an assumed role (AWS IAM user guide, IAM
    identifiers).
    """
    if not arn:
        return None
    head, is_role, rest = arn.partition(":assumed-role/")
    return f"{head}{is_role}{rest.partition('/')[0]}"


def _words(failure: FailureTypeDef) -> str:
    parts = [failure.get("reason", ""), failure.get("detail", "")]
    return ": ".join(part for part in parts if part) or "no reason given"
