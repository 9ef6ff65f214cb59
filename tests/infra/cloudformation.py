"""The resources restated as a CloudFormation template: what cfn-lint can look at stands in for a preview.

A kind that is not restated here is an error: nothing goes unlooked at.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.program import Deployed, Registered

Properties = dict[str, Any]

TYPES = {
    "Bucket": "AWS::S3::Bucket",
    "BucketPolicy": "AWS::S3::BucketPolicy",
    "Dashboard": "AWS::CloudWatch::Dashboard",
    "EventRule": "AWS::Events::Rule",
    "Function": "AWS::Lambda::Function",
    "FunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
    "LogGroup": "AWS::Logs::LogGroup",
    "MetricAlarm": "AWS::CloudWatch::Alarm",
    "Parameter": "AWS::SSM::Parameter",
    "Permission": "AWS::Lambda::Permission",
    "Queue": "AWS::SQS::Queue",
    "QueuePolicy": "AWS::SQS::QueuePolicy",
    "Role": "AWS::IAM::Role",
    "RolePolicy": "AWS::IAM::RolePolicy",
    "Schedule": "AWS::Scheduler::Schedule",
    "Schema": "AWS::EventSchemas::Schema",
    "Table": "AWS::DynamoDB::Table",
    "Topic": "AWS::SNS::Topic",
    "TopicPolicy": "AWS::SNS::TopicPolicy",
    "TopicSubscription": "AWS::SNS::Subscription",
}

PARTS = {
    "BucketLifecycleConfiguration",
    "BucketOwnershipControls",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
    "EventTarget",
}
"""Kinds that CloudFormation knows as a part of another."""


def template(deployed: Deployed) -> dict[str, Any]:
    """Return the template."""
    resources = {}
    for each in deployed.of_aws:
        kind = each.kind.rpartition(":")[2]
        if kind in PARTS:
            continue
        restate: Callable[[Deployed, Registered], Properties] = _SPECIAL.get(kind, lambda _, each: _pascal(each.inputs))
        name = re.sub(r"[^A-Za-z0-9]", "", f"{kind}{each.name.title()}")
        resources[name] = {"Type": TYPES[kind], "Properties": _whole(restate(deployed, each))}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _pascal(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value with its keys as CloudFormation writes them."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: _pascal(each) for key, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value


def _whole(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value with whole numbers as such: under mocks all of them are fractions."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _renamed(inputs: Mapping[str, Any], **names: str) -> Properties:
    """Return the properties with other names for some; an empty one leaves it out."""
    found = {names.get(key, key[0].upper() + key[1:]): _pascal(value) for key, value in inputs.items()}
    return {key: value for key, value in found.items() if key}


def _policy(inputs: Mapping[str, Any], **names: str) -> Properties:
    """Return the properties with the policy as a document."""
    rest = {key: value for key, value in inputs.items() if key != "policy"}
    return {**_renamed(rest, **names), "PolicyDocument": json.loads(inputs["policy"])}


def _bucket(deployed: Deployed, bucket: Registered) -> Properties:
    del bucket
    block, encryption, lifecycle = (
        deployed.one(kind).inputs
        for kind in (
            "BucketPublicAccessBlock",
            "BucketServerSideEncryptionConfiguration",
            "BucketLifecycleConfiguration",
        )
    )
    rules = [_lifecycle(rule) for rule in lifecycle["rules"]]
    (encrypted,) = [rule["applyServerSideEncryptionByDefault"] for rule in encryption["rules"]]
    return {
        "PublicAccessBlockConfiguration": _renamed(block, bucket=""),
        "OwnershipControls": {"Rules": [_pascal(deployed.one("BucketOwnershipControls").inputs["rule"])]},
        "VersioningConfiguration": _pascal(deployed.one("BucketVersioning").inputs["versioningConfiguration"]),
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": encrypted["sseAlgorithm"]}}
            ]
        },
        "LifecycleConfiguration": {"Rules": rules},
    }


def _lifecycle(rule: Mapping[str, Any]) -> Properties:
    found: Properties = {"Id": rule["id"], "Status": rule["status"], "Prefix": rule["filter"]["prefix"]}
    if "expiration" in rule:
        found["ExpirationInDays"] = rule["expiration"]["days"]
    if "noncurrentVersionExpiration" in rule:
        found["NoncurrentVersionExpiration"] = _pascal(rule["noncurrentVersionExpiration"])
    if "abortIncompleteMultipartUpload" in rule:
        found["AbortIncompleteMultipartUpload"] = _pascal(rule["abortIncompleteMultipartUpload"])
    return found


def _role(_: Deployed, role: Registered) -> Properties:
    return {"AssumeRolePolicyDocument": json.loads(role.inputs["assumeRolePolicy"])}


def _role_policy(_: Deployed, policy: Registered) -> Properties:
    return {**_policy(policy.inputs, role="RoleName"), "PolicyName": policy.name}


def _function(_: Deployed, function: Registered) -> Properties:
    found = _renamed(function.inputs, name="FunctionName", code="", environment="")
    found["Environment"] = {"Variables": dict(function.inputs["environment"]["variables"])}
    found["Code"] = {"S3Bucket": "bundles", "S3Key": "function.zip"}
    if found["ReservedConcurrentExecutions"] == -1:
        del found["ReservedConcurrentExecutions"]  # Pulumi's way to say none
    return found


def _invoke_config(_: Deployed, config: Registered) -> Properties:
    return {**_pascal(config.inputs), "Qualifier": "$LATEST"}


def _rule(deployed: Deployed, rule: Registered) -> Properties:
    targets = [_target(each) for each in deployed.of("EventTarget") if each.inputs["rule"] == rule.inputs["name"]]
    pattern = json.loads(rule.inputs["eventPattern"])
    return {**_renamed(rule.inputs, eventPattern=""), "EventPattern": pattern, "Targets": targets}


def _target(target: Registered) -> Properties:
    found = {**_renamed(target.inputs, rule="", inputTransformer=""), "Id": target.name}
    transformer = target.inputs.get("inputTransformer")
    if transformer is not None:
        found["InputTransformer"] = {
            "InputPathsMap": transformer["inputPaths"],
            "InputTemplate": transformer["inputTemplate"],
        }
    return found


def _alarm(_: Deployed, alarm: Registered) -> Properties:
    inputs = dict(alarm.inputs)
    dimensions, queries = inputs.pop("dimensions", None), inputs.pop("metricQueries", None)
    found = _renamed(inputs, name="AlarmName", okActions="OKActions")
    if dimensions is not None:
        found["Dimensions"] = _dimensions(dimensions)
    if queries is not None:
        found["Metrics"] = [_query(each) for each in queries]
    return found


def _query(query: Mapping[str, Any]) -> Properties:
    found = _renamed(query, metric="")
    if "metric" in query:
        metric = query["metric"]
        found["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": _dimensions(metric["dimensions"]),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
    return found


def _dimensions(dimensions: Mapping[str, str]) -> list[Properties]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _table(_: Deployed, table: Registered) -> Properties:
    inputs = table.inputs
    keys = ((inputs["hashKey"], "HASH"), (inputs["rangeKey"], "RANGE"))
    return {
        "TableName": inputs["name"],
        "BillingMode": inputs["billingMode"],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]} for each in inputs["attributes"]
        ],
        "TimeToLiveSpecification": _pascal(inputs["ttl"]),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": inputs["pointInTimeRecovery"]["enabled"]},
        "DeletionProtectionEnabled": inputs["deletionProtectionEnabled"],
    }


_SPECIAL: Mapping[str, Callable[[Deployed, Registered], Properties]] = {
    "Bucket": _bucket,
    "BucketPolicy": lambda _, each: _policy(each.inputs),
    "EventRule": _rule,
    "Function": _function,
    "FunctionEventInvokeConfig": _invoke_config,
    "LogGroup": lambda _, each: _renamed(each.inputs, name="LogGroupName"),
    "MetricAlarm": _alarm,
    "Permission": lambda _, each: _renamed(each.inputs, function="FunctionName"),
    "Queue": lambda _, each: _renamed(each.inputs, name="QueueName", messageRetentionSeconds="MessageRetentionPeriod"),
    "QueuePolicy": lambda _, each: {**_policy(each.inputs, queueUrl=""), "Queues": [each.inputs["queueUrl"]]},
    "Role": _role,
    "RolePolicy": _role_policy,
    "Schema": lambda _, each: _renamed(each.inputs, name="SchemaName"),
    "Table": _table,
    "Topic": lambda _, each: _renamed(each.inputs, name="TopicName"),
    "TopicPolicy": lambda _, each: {**_policy(each.inputs, arn=""), "Topics": [each.inputs["arn"]]},
    "TopicSubscription": lambda _, each: _renamed(each.inputs, topic="TopicArn"),
}
