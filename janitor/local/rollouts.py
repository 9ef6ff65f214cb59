"""Service deployments and service revisions: how a service came to run what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.local.paging import page_size
from janitor.local.replies import ApiError
from janitor.local.workloads import at_most, found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from janitor.local.paging import Tokens
    from janitor.local.replies import Json
    from janitor.local.workloads import Service, Workloads

DEPLOYMENTS_PER_CALL = REVISIONS_PER_CALL = 20  # the API's limits


class Rollouts:
    """Answers what ECS is asked about service deployments and service revisions."""

    def __init__(self, workloads: Workloads, tokens: Tokens) -> None:
        self._workloads = workloads
        self._tokens = tokens

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Return the operations by the API's names."""
        return {
            "ListServiceDeployments": self._list,
            "DescribeServiceDeployments": self._describe_deployments,
            "DescribeServiceRevisions": self._describe_revisions,
        }

    def _list(self, params: Json) -> Json:
        service = self._workloads.service(params)
        if service.controller != "ECS":
            message = f"Service deployments are not known under the {service.controller} controller."
            raise ApiError("UnsupportedFeatureException", message)
        size = page_size(params)
        statuses, created = params.get("status") or [], params.get("createdAt") or {}
        after, before = created.get("after") or 0.0, created.get("before") or float("inf")
        listing = ["service deployments", service.path, ",".join(statuses), f"{after}-{before}"]
        state = self._tokens.redeem(listing, params)
        first = state["first"] if state else 0
        latest_first = [
            _brief(rollout)
            for rollout in reversed(service.rollouts.values())
            if (not statuses or rollout["status"] in statuses) and after <= rollout["createdAt"] <= before
        ]
        body: Json = {"serviceDeployments": latest_first[first : first + size]}
        if first + size < len(latest_first):
            body["nextToken"] = self._tokens.issue(listing, {"first": first + size})
        return body

    def _describe_deployments(self, params: Json) -> Json:
        wanted = params["serviceDeploymentArns"]
        at_most(DEPLOYMENTS_PER_CALL, wanted, "serviceDeploymentArns")
        services = self._workloads.services.values()
        known = {arn: rollout for service in services for arn, rollout in service.rollouts.items()}
        return found("serviceDeployments", {arn: known.get(arn) for arn in wanted})

    def _describe_revisions(self, params: Json) -> Json:
        wanted = params["serviceRevisionArns"]
        at_most(REVISIONS_PER_CALL, wanted, "serviceRevisionArns")
        services = self._workloads.services.values()
        known = {arn: revision for service in services for arn, revision in service.revisions.items()}
        return found("serviceRevisions", {arn: known.get(arn) for arn in wanted})


def roll_out(workloads: Workloads, service: Service, arn: str, *, beside: Sequence[Json] = ()) -> None:
    """Make a revision the service's PRIMARY deployment, under way while the deployments ``beside`` still run."""
    body = service.body
    revision = workloads.names.arn(f"service-revision/{service.path}/{workloads.digits()}")
    rollout = workloads.names.arn(f"service-deployment/{service.path}/{workloads.identity()[:21]}")
    of_the_service = {"serviceArn": body["serviceArn"], "clusterArn": body["clusterArn"], "createdAt": workloads.now()}
    service.revisions[revision] = of_the_service | {
        "serviceRevisionArn": revision,
        "taskDefinition": arn,
        "launchType": body["launchType"],
    }
    running = body.get("currentServiceRevisions", [])
    service.rollouts[rollout] = of_the_service | {
        "serviceDeploymentArn": rollout,
        "startedAt": workloads.now(),
        "sourceServiceRevisions": running,
        "targetServiceRevision": _share(revision, body["desiredCount"]),
        "status": "IN_PROGRESS" if beside else "SUCCESSFUL",
    }
    primary = {
        "id": f"ecs-svc/{workloads.digits()}",
        "status": "PRIMARY",
        "taskDefinition": arn,
        "desiredCount": body["desiredCount"],
        "runningCount": body["desiredCount"],
        "pendingCount": 0,
        "failedTasks": 0,
        "launchType": body["launchType"],
        "rolloutState": "IN_PROGRESS" if beside else "COMPLETED",
        "createdAt": workloads.now(),
        "updatedAt": workloads.now(),
    }
    body["deployments"] = [primary, *(deployment | {"status": "ACTIVE"} for deployment in beside)]
    body["currentServiceRevisions"] = [_share(revision, body["desiredCount"]), *running[: len(beside)]]
    body["currentServiceDeployment"] = rollout


def _share(revision: str, count: int) -> Json:
    return {"arn": revision, "requestedTaskCount": count, "runningTaskCount": count, "pendingTaskCount": 0}


def _brief(rollout: Json) -> Json:
    brief = {
        key: value for key, value in rollout.items() if key not in ("sourceServiceRevisions", "targetServiceRevision")
    }
    return brief | {"targetServiceRevisionArn": rollout["targetServiceRevision"]["arn"]}
