"""MiniStack as the cloud that the program is deployed to: each resource is created by the call that AWS would get.

A kind of resource that is not known here is an error, and so is an input of a resource that nobody has looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi.runtime

from infra.bundle import PROJECT
from janitor.aws import events, task_definitions
from tests.infra.program import ACCOUNT, PaperCloud

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.ministack import MiniStack

Inputs = dict[str, Any]
Made = tuple[str, Inputs]
"""A resource's id and what it tells beside its inputs."""

(DELETE,) = task_definitions.DELETE_ACTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a test changes on the way into MiniStack, because nobody waits for a night."""

    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None
    start: timedelta = timedelta(seconds=2)
    """From the moment at which the schedule is created until it starts a sweep, once."""
    logs_to: str
    """The function that gets the lines of the log in which metrics are."""


class MiniStackCloud:
    """Creates resources in MiniStack; ``tests.infra.program`` asks for them."""

    def __init__(self, ministack: MiniStack, changes: Changes) -> None:
        self._ministack = ministack
        self._changes = changes
        self._paper = PaperCloud("")
        self._makers: dict[str, Callable[[str, Inputs], Made]] = {
            "aws:cloudwatch/dashboard:Dashboard": self._dashboard,
            "aws:cloudwatch/eventRule:EventRule": self._event_rule,
            "aws:cloudwatch/eventTarget:EventTarget": self._event_target,
            "aws:cloudwatch/logGroup:LogGroup": self._log_group,
            "aws:cloudwatch/metricAlarm:MetricAlarm": self._metric_alarm,
            "aws:dynamodb/table:Table": self._table,
            "aws:iam/role:Role": self._role,
            "aws:iam/rolePolicy:RolePolicy": self._role_policy,
            "aws:lambda/function:Function": self._function,
            "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": self._invoke_config,
            "aws:lambda/permission:Permission": self._permission,
            "aws:s3/bucket:Bucket": self._bucket,
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": self._lifecycle,
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls": self._ownership,
            "aws:s3/bucketPolicy:BucketPolicy": self._bucket_policy,
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": self._public_access,
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": self._encryption,
            "aws:s3/bucketVersioning:BucketVersioning": self._versioning,
            "aws:scheduler/schedule:Schedule": self._schedule,
            "aws:sns/topic:Topic": self._topic,
            "aws:sns/topicPolicy:TopicPolicy": self._topic_policy,
            "aws:sns/topicSubscription:TopicSubscription": self._subscription,
            "aws:sqs/queue:Queue": self._queue,
            "aws:sqs/queuePolicy:QueuePolicy": self._queue_policy,
            "aws:ssm/parameter:Parameter": self._parameter,
        }

    def create(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Made:
        """Return a resource's id and outputs."""
        if not kind.startswith("aws:"):
            return self._paper.create(kind, name, inputs)
        if kind not in self._makers:
            raise AssertionError(f"{kind} {name}: nobody has said how to create it in MiniStack")
        left = {key: _whole(pulumi.runtime.rpc.unwrap_rpc_secret(value)) for key, value in inputs.items()}
        made, outputs = self._makers[kind](name, left)
        if left:
            raise AssertionError(f"{kind} {name}: nobody has said what to do with {', '.join(left)}")
        return made, {**inputs, **outputs}

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Inputs:
        """Return what a function of the provider answers."""
        answer = self._paper.look_up(token, arguments)
        if "accountId" in answer:
            answer["accountId"] = self._client("sts").get_caller_identity()["Account"]
        return answer

    def _client(self, service: str) -> Any:  # noqa: ANN401 - any client
        return self._ministack.client(service)

    # Where it runs

    def _function(self, _: str, inputs: Inputs) -> Made:
        name, variables = inputs["name"], inputs.pop("environment")["variables"]
        archive = PROJECT / "infra" / inputs.pop("code").path
        reserved = inputs.pop("reservedConcurrentExecutions")
        if self._changes.timeout is not None:
            inputs["timeout"] = self._changes.timeout
        made = self._client("lambda").create_function(
            FunctionName=inputs.pop("name"),
            Code={"ZipFile": archive.read_bytes()},
            Environment={"Variables": {**variables, **self._changes.variables}},
            **_pascal(inputs),
        )
        if reserved >= 0:
            self._client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        return name, {"arn": made["FunctionArn"]}

    def _invoke_config(self, _: str, inputs: Inputs) -> Made:
        name = inputs["functionName"]
        self._client("lambda").put_function_event_invoke_config(**_pascal(inputs))
        return name, {}

    def _permission(self, name: str, inputs: Inputs) -> Made:
        self._client("lambda").add_permission(FunctionName=inputs.pop("function"), StatementId=name, **_pascal(inputs))
        return name, {}

    def _log_group(self, _: str, inputs: Inputs) -> Made:
        name = inputs.pop("name")
        self._client("logs").create_log_group(logGroupName=name)
        self._client("logs").put_subscription_filter(
            logGroupName=name,
            filterName="metrics",
            filterPattern='"CloudWatchMetrics"',
            destinationArn=self._changes.logs_to,
        )
        self._client("logs").put_retention_policy(logGroupName=name, retentionInDays=inputs.pop("retentionInDays"))
        (group,) = self._client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return name, {"arn": group["arn"].removesuffix(":*")}  # as pulumi-aws tells it

    # Who may do what

    def _role(self, name: str, inputs: Inputs) -> Made:
        role = self._client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=inputs.pop("assumeRolePolicy"))[
            "Role"
        ]
        return name, {"name": name, "arn": role["Arn"]}

    def _role_policy(self, name: str, inputs: Inputs) -> Made:
        policy = json.dumps(widened(json.loads(inputs.pop("policy"))))
        self._client("iam").put_role_policy(RoleName=inputs.pop("role"), PolicyName=name, PolicyDocument=policy)
        return name, {}

    # What is kept

    def _bucket(self, name: str, inputs: Inputs) -> Made:
        del inputs["forceDestroy"]  # is for Pulumi itself
        self._client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": self._client("s3").meta.region_name}
        )
        return name, {"bucket": name, "arn": f"arn:aws:s3:::{name}"}

    def _lifecycle(self, _: str, inputs: Inputs) -> Made:
        rules = [_pascal(rule) for rule in inputs.pop("rules")]
        for rule in rules:
            rule["ID"] = rule.pop("Id")
        return self._of_bucket("put_bucket_lifecycle_configuration", inputs, LifecycleConfiguration={"Rules": rules})

    def _ownership(self, _: str, inputs: Inputs) -> Made:
        rules = {"Rules": [_pascal(inputs.pop("rule"))]}
        return self._of_bucket("put_bucket_ownership_controls", inputs, OwnershipControls=rules)

    def _bucket_policy(self, _: str, inputs: Inputs) -> Made:
        return self._of_bucket("put_bucket_policy", inputs, Policy=inputs.pop("policy"))

    def _public_access(self, _: str, inputs: Inputs) -> Made:
        keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        block = _pascal({key: inputs.pop(key) for key in keys})
        return self._of_bucket("put_public_access_block", inputs, PublicAccessBlockConfiguration=block)

    def _encryption(self, _: str, inputs: Inputs) -> Made:
        (rule,) = inputs.pop("rules")
        algorithm = rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]}
        return self._of_bucket("put_bucket_encryption", inputs, ServerSideEncryptionConfiguration=rules)

    def _versioning(self, _: str, inputs: Inputs) -> Made:
        said = _pascal(inputs.pop("versioningConfiguration"))
        return self._of_bucket("put_bucket_versioning", inputs, VersioningConfiguration=said)

    def _of_bucket(self, call: str, inputs: Inputs, **said: object) -> Made:
        bucket = inputs.pop("bucket")
        getattr(self._client("s3"), call)(Bucket=bucket, **said)
        return bucket, {}

    def _parameter(self, _: str, inputs: Inputs) -> Made:
        name = inputs["name"]
        self._client("ssm").put_parameter(**_pascal(inputs))
        (parameter,) = self._client("ssm").get_parameters(Names=[name])["Parameters"]
        return name, {"arn": parameter["ARN"]}

    def _table(self, _: str, inputs: Inputs) -> Made:
        name, client = inputs.pop("name"), self._client("dynamodb")
        made = client.create_table(
            TableName=name,
            BillingMode=inputs.pop("billingMode"),
            KeySchema=[
                {"AttributeName": inputs.pop("hashKey"), "KeyType": "HASH"},
                {"AttributeName": inputs.pop("rangeKey"), "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": each["name"], "AttributeType": each["type"]} for each in inputs.pop("attributes")
            ],
            DeletionProtectionEnabled=inputs.pop("deletionProtectionEnabled"),
        )
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=_renamed(inputs.pop("ttl")))
        recovery = {"PointInTimeRecoveryEnabled": inputs.pop("pointInTimeRecovery")["enabled"]}
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
        return name, {"arn": made["TableDescription"]["TableArn"]}

    # What wakes, and what is told

    def _queue(self, _: str, inputs: Inputs) -> Made:
        name = inputs.pop("name")
        attributes = {
            "MessageRetentionPeriod": str(inputs.pop("messageRetentionSeconds")),
            "SqsManagedSseEnabled": str(inputs.pop("sqsManagedSseEnabled")).lower(),
        }
        url = self._client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, {"url": url, "arn": answer["Attributes"]["QueueArn"]}

    def _queue_policy(self, name: str, inputs: Inputs) -> Made:
        attributes = {"Policy": inputs.pop("policy")}
        self._client("sqs").set_queue_attributes(QueueUrl=inputs.pop("queueUrl"), Attributes=attributes)
        return name, {}

    def _topic(self, _: str, inputs: Inputs) -> Made:
        arn = self._client("sns").create_topic(**_pascal(inputs))["TopicArn"]
        return arn, {"arn": arn}

    def _topic_policy(self, name: str, inputs: Inputs) -> Made:
        self._client("sns").set_topic_attributes(
            TopicArn=inputs.pop("arn"), AttributeName="Policy", AttributeValue=inputs.pop("policy")
        )
        return name, {}

    def _subscription(self, name: str, inputs: Inputs) -> Made:
        self._client("sns").subscribe(TopicArn=inputs.pop("topic"), **_pascal(inputs))
        return name, {}

    def _event_rule(self, _: str, inputs: Inputs) -> Made:
        name = inputs["name"]
        return name, {"arn": self._client("events").put_rule(**_pascal(inputs))["RuleArn"]}

    def _event_target(self, name: str, inputs: Inputs) -> Made:
        rule, transformer = inputs.pop("rule"), inputs.pop("inputTransformer", None)
        target = {"Id": name, **_pascal(inputs)}
        if transformer is not None:
            target["InputTransformer"] = {
                "InputPathsMap": transformer["inputPaths"],
                "InputTemplate": transformer["inputTemplate"],
            }
        answer = self._client("events").put_targets(Rule=rule, Targets=[target])
        assert not answer["FailedEntryCount"], answer
        return name, {}

    def _schedule(self, _: str, inputs: Inputs) -> Made:
        name = inputs["name"]
        inputs |= {"scheduleExpression": f"at({datetime.now(UTC) + self._changes.start:%Y-%m-%dT%H:%M:%S})"}
        inputs["scheduleExpressionTimezone"] = "UTC"
        made = self._client("scheduler").create_schedule(**_pascal(inputs))
        return name, {"arn": made["ScheduleArn"]}

    def _metric_alarm(self, _: str, inputs: Inputs) -> Made:
        name, dimensions = inputs["name"], inputs.pop("dimensions", None)
        said = {
            "AlarmName": inputs.pop("name"),
            "OKActions": inputs.pop("okActions"),
            "Metrics": [_query(each) for each in inputs.pop("metricQueries", [])],
            "Dimensions": _dimensions(dimensions or {}),
        }
        said |= _pascal(inputs)
        self._client("cloudwatch").put_metric_alarm(**{key: value for key, value in said.items() if value != []})
        (alarm,) = self._client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return name, {"arn": alarm["AlarmArn"]}

    def _dashboard(self, _: str, inputs: Inputs) -> Made:
        name = inputs["dashboardName"]
        problems = self._client("cloudwatch").put_dashboard(**_pascal(inputs)).get("DashboardValidationMessages")
        assert not problems, problems
        return name, {}


def widened(policy: Inputs) -> Inputs:
    """Return a policy as MiniStack 1.5.33 can judge it; what is left out here is compared in ``test_program``.

    It does not see which revisions DeleteTaskDefinitions names, so that what is allowed on ARNs alone is denied; and it
    knows no condition key of PutEvents.
    """
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow" and statement["Action"] == [DELETE]:
            assert all(each.startswith("arn:aws:ecs:") and ACCOUNT in each for each in statement["Resource"])
            statement["Resource"] = ["*"]
        if statement["Effect"] == "Allow" and statement["Action"] == list(events.ACTIONS):
            assert {key for keys in statement.pop("Condition").values() for key in keys} == {
                "events:source",
                "events:detail-type",
            }
    return policy


def _query(query: Inputs) -> Inputs:
    """Return one of the metrics or expressions of an alarm as CloudWatch's API has it."""
    said = _pascal({key: value for key, value in query.items() if key != "metric"})
    if "metric" in query:
        metric = query["metric"]
        what = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
        said["MetricStat"] = {
            "Metric": {**what, "Dimensions": _dimensions(metric["dimensions"])},
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
    return said


def _dimensions(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _pascal(value: Inputs) -> Inputs:
    """Take what is left of the inputs, with names as AWS's API has them."""
    taken = {f"{key[0].upper()}{key[1:]}": _renamed(each) for key, each in value.items()}
    value.clear()
    return taken


def _renamed(value: object) -> object:
    if isinstance(value, dict):
        return {f"{key[0].upper()}{key[1:]}": _renamed(each) for key, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def _whole(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return a value with whole numbers where Pulumi's protocol, which knows no others, has floats."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
