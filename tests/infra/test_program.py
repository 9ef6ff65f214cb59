"""What the program declares, as the engine would get it: every output resolved, then plain asserts."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

from infra import bundle
from infra.settings import KEYS, ROOT
from janitor.aws import lookup_table
from janitor.aws.lookup_items import EXPIRES, PARTITION, SORT
from janitor.core.model import Mode
from janitor.settings import load
from janitor.settings.function import VARIABLES, function_settings, invocation
from tests.infra.program import ACCOUNT, PROJECT, PROVIDER, schema, stack_file, unresolved
from tests.infra.stacks import EVERYTHING, STACKS, stack

if TYPE_CHECKING:
    from tests.infra.program import Deployed, Registered

READING = {
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitionFamilies",
    "ecs:ListTaskDefinitions",
    "ecs:ListServices",
    "ecs:ListTasks",
}
"""Some of what any stack must be able to read."""

FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{PROJECT}-prod"
FAILURES = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{PROJECT}-prod-failures"
NOTICES = f"arn:aws:sns:eu-west-1:{ACCOUNT}:{PROJECT}-prod-notices"


# Config


def test_the_declared_keys_are_the_settings_fields() -> None:
    """Neither can have one that the other has not."""
    assert set(schema()) == KEYS


def test_every_key_has_a_type_and_a_description_and_its_default_is_of_that_type() -> None:
    """Pulumi has no fractions; only the Region is required, since nobody can guess it."""
    types: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}
    for key, declared in schema().items():
        assert declared["description"], key
        assert declared["type"] in types, key
        assert "default" not in declared or type(declared["default"]) is types[declared["type"]], key
        assert (declared.get("items") == {"type": "string"}) is (declared["type"] == "array"), key
    assert [key for key, declared in schema().items() if "default" not in declared] == ["region"]


def test_both_stack_files_say_only_what_is_declared() -> None:
    """The engine would let a misspelt key pass."""
    assert set(stack_file("dev")) | set(stack_file("prod")) <= set(schema())


def test_the_stack_files_are_what_their_names_promise() -> None:
    """The one reports and forgets soon, the other deletes, in named accounts, and tells somebody."""
    assert stack_file("dev")["mode"] == "report"
    assert stack_file("dev")["logRetentionDays"] < stack_file("prod")["logRetentionDays"]
    assert stack_file("prod")["mode"] == "delete"
    assert stack_file("prod")["allowedAccountIds"]
    assert stack_file("prod")["alarmEmails"]
    assert schema()["mode"]["default"] == "report"


def test_the_third_stack_changes_every_default() -> None:
    """What has only been deployed as it is by default might not be read at all."""
    declared = schema()
    assert set(EVERYTHING) == set(declared)
    assert not [key for key, value in EVERYTHING.items() if value == declared[key].get("default")]


def test_the_project_file_says_how_the_program_is_run() -> None:
    """Through uv, from infra/, and without the provider that would take whatever account is at hand."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["name"] == PROJECT
    assert project["main"] == "infra/"
    assert project["runtime"] == {"name": "python", "options": {"toolchain": "uv", "virtualenv": ".venv"}}
    assert project["config"]["pulumi:disable-default-providers"] == {"value": ["aws"]}


def test_no_module_in_the_programs_folder_hides_another() -> None:
    """Pulumi looks for modules there first: one called queue or types would be taken for Python's own."""
    ours = {path.stem for path in (ROOT / "infra").glob("*.py")} - {"__init__", "__main__"}
    assert not ours & sys.stdlib_module_names
    assert not ours & set(metadata.packages_distributions())


def test_the_program_is_found_from_its_own_folder() -> None:
    """As Pulumi starts it: nothing on the path but that folder and the environment."""
    run = [sys.executable, "-c", "import infra.stack, sys; print(infra.stack.__file__)"]
    done = subprocess.run(run, check=True, capture_output=True, text=True, cwd=ROOT / "infra", timeout=60)  # noqa: S603 - our own command
    assert done.stdout.strip() == str(ROOT / "infra" / "stack.py")


# All resources


def test_nothing_is_left_unresolved(deployed: Deployed) -> None:
    """No None, and no output put into a text before its time."""
    assert not [each.name for each in deployed.of_aws if unresolved(dict(each.inputs))]
    assert not unresolved(deployed.outputs)
    assert deployed.outputs


def test_one_explicit_provider_makes_everything(deployed: Deployed, request: pytest.FixtureRequest) -> None:
    """In the stack's Region and accounts, whatever the shell's are; questions go through it as well."""
    said = STACKS[request.node.callspec.params["deployed"]]
    (provider,) = [each for each in deployed.resources if each.kind == PROVIDER]
    ours = f"{provider.urn}::{provider.id}"
    assert {each.provider for each in deployed.of_aws} == {ours}
    assert {used for _, used in deployed.looked_up} == {ours}
    assert provider.inputs["region"] == said["region"]
    assert json.loads(provider.inputs.get("allowedAccountIds", "[]")) == said.get("allowedAccountIds", [])
    assert set(json.loads(provider.inputs["defaultTags"])["tags"]) == {"project", "stack", "managed-by"}


def test_every_resource_belongs_to_a_component(deployed: Deployed) -> None:
    """The tree that Pulumi shows is the house."""
    components = {each.urn for each in deployed.resources if each.kind.startswith("janitor:infra:")}
    assert {each.parent for each in deployed.of_aws} <= components


def test_what_is_named_is_named_by_project_and_stack(deployed: Deployed, request: pytest.FixtureRequest) -> None:
    """Two stacks can share an account; a dashboard is shared by all of its Regions as well."""
    name = request.node.callspec.params["deployed"]
    named = [each.inputs["name"] for each in deployed.of_aws if "name" in each.inputs]
    assert all(f"{PROJECT}-{name}" in each or f"{PROJECT}/{name}" in each for each in named)
    assert deployed.one("Dashboard").inputs["dashboardName"] == f"{PROJECT}-{name}-{STACKS[name]['region']}"
    assert len(named) == len({(each.kind, each.inputs["name"]) for each in deployed.of_aws if "name" in each.inputs})


def test_two_deployments_declare_the_same(prod: Deployed) -> None:
    """Nothing is drawn at random, and nothing remembers the run before."""
    again = stack("prod")
    assert {(each.urn, _json(each)) for each in again.of_aws} == {(each.urn, _json(each)) for each in prod.of_aws}


def _json(resource: Registered) -> str:
    return json.dumps(resource.inputs, sort_keys=True, default=lambda archive: archive.path)


# Permissions


def _actions(deployed: Deployed) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in deployed.policy("RolePolicy", "-function"):
        for action in statement["Action"]:
            found.setdefault(action, []).append(statement)
    return found


def test_the_stack_that_reports_cannot_write_to_ecs(dev: Deployed) -> None:
    """Not by mode alone: its role does not have the right."""
    ecs = {action for action in _actions(dev) if action.startswith("ecs:")}
    assert ecs >= READING
    assert all(action.removeprefix("ecs:").startswith(("Describe", "List")) for action in ecs)


def test_the_stack_that_deletes_may_delete_revisions_and_nothing_else(prod: Deployed, dev: Deployed) -> None:
    """One action more than the stack that reports, on revisions of this account and Region, but for tagged ones."""
    assert set(_actions(prod)) - set(_actions(dev)) == {"ecs:DeleteTaskDefinitions"}
    allowed, *denied = _actions(prod)["ecs:DeleteTaskDefinitions"]
    here = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/*:*"
    assert (allowed["Effect"], allowed["Action"], allowed["Resource"]) == (
        "Allow",
        ["ecs:DeleteTaskDefinitions"],
        [here],
    )
    assert [(statement["Effect"], statement["Resource"], statement["Condition"]) for statement in denied] == [
        ("Deny", [here], {"Null": {"aws:ResourceTag/AWSBatchServiceTag": "false"}}),
        ("Deny", [here], {"Null": {"aws:ResourceTag/janitor:keep": "false"}}),
    ]


def test_who_is_not_asked_what_is_in_use_need_not_answer(everything: Deployed, prod: Deployed) -> None:
    """A source that is switched off is one that the role cannot read."""
    services = {action.partition(":")[0] for action in set(_actions(prod)) - set(_actions(everything))}
    assert services == {"events", "states"}
    assert {"scheduler:GetSchedule", "scheduler:ListSchedules"} <= set(_actions(everything))


def test_the_right_to_delete_is_the_one_that_janitor_iam_prints(everything: Deployed) -> None:
    """Families of the rules and included ones allow; excluded and kept ones, and tags to keep, deny."""
    here = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:task-definition/"
    allowed, never, *tagged, narrowed = _actions(everything)["ecs:DeleteTaskDefinitions"]
    assert {f"{here}airflow-*:*", f"{here}web-?:*", f"{here}job-0*:*"} <= set(allowed["Resource"])
    assert f"{here}billing-*:*" not in allowed["Resource"]
    kept = ("*-prod", "team-a-*", "team-b-*", "airflow-core", "billing-*")
    assert (never["Effect"], never["Resource"]) == ("Deny", [f"{here}{family}:*" for family in kept])
    assert [statement["Condition"]["Null"] for statement in tagged] == [
        {"aws:ResourceTag/janitor:keep": "false"},
        {"aws:ResourceTag/release": "false"},
    ]
    assert (narrowed["Effect"], narrowed["NotResource"]) == ("Deny", [f"{here}airflow-*:*", f"{here}web-?:*"])


def test_beside_ecs_each_right_is_on_one_resource_of_the_stack(deployed: Deployed) -> None:
    """Only reading ECS, which knows no resources, is allowed on everything."""
    bucket = deployed.one("Bucket").name + "-1a2b3c4"
    expected = {
        "s3:ListBucket": f"arn:aws:s3:::{bucket}",
        "s3:GetObject": f"arn:aws:s3:::{bucket}/*",
        "s3:PutObject": f"arn:aws:s3:::{bucket}/*",
        "s3:DeleteObject": f"arn:aws:s3:::{bucket}/*",
        "ssm:GetParameter": f":parameter{deployed.one('Parameter').inputs['name']}",
        "events:PutEvents": ":event-bus/default",
        "sqs:SendMessage": f":{deployed.one('Queue').inputs['name']}",
        "logs:CreateLogStream": f":log-group:{deployed.log_group.inputs['name']}:*",
        "logs:PutLogEvents": f":log-group:{deployed.log_group.inputs['name']}:*",
    }
    if deployed.of("Table"):
        deletes = deployed.environment["JANITOR_MODE"] == Mode.DELETE
        granted = (*lookup_table.READ_ACTIONS, *(lookup_table.EVICT_ACTIONS if deletes else ()))
        expected |= dict.fromkeys(granted, f":table/{deployed.one('Table').inputs['name']}")
    actions = {action: found for action, found in _actions(deployed).items() if not action.startswith("ecs:")}
    reading = {action for action, (found, *_) in actions.items() if found["Resource"] == ["*"]}
    assert all(action.partition(":")[2].startswith(("Describe", "Get", "List")) for action in reading)
    assert set(actions) - reading == set(expected)
    for action, ending in expected.items():
        (statement,) = actions[action]
        (resource,) = statement["Resource"]
        assert resource.endswith(ending), action
        assert statement["Effect"] == "Allow"
        assert "Condition" not in statement or action == "events:PutEvents", "S3 asks for ListBucket bare"


def test_the_function_may_publish_its_own_events_alone(prod: Deployed) -> None:
    """Nothing else that listens to the account's bus can be told a story."""
    (statement,) = _actions(prod)["events:PutEvents"]
    assert statement["Condition"] == {
        "StringEquals": {
            "events:source": "revision-janitor",
            "events:detail-type": ["Sweep Finished", "Sweep Unfinished"],
        }
    }


def test_roles_trust_one_service_each(prod: Deployed) -> None:
    """The Scheduler only where it acts for this account."""
    trusts = {each.name: json.loads(each.inputs["assumeRolePolicy"])["Statement"] for each in prod.of("Role")}
    by_lambda = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert trusts == {
        "janitor-prod-function": [by_lambda],
        "janitor-prod-widget": [by_lambda],
        "janitor-prod-schedule": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ],
    }


def test_the_schedule_may_start_the_function_and_leave_its_failures(prod: Deployed) -> None:
    """Two rights, on two resources."""
    assert prod.policy("RolePolicy", "-schedule") == [
        {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [FUNCTION]},
        {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [FAILURES]},
    ]


def test_policies_are_attached_to_the_roles_that_act(prod: Deployed) -> None:
    """A right in the wrong hands would be found out at night."""
    roles = {each.id: each.name for each in prod.of("Role")}
    assert {each.name: roles[each.inputs["role"]] for each in prod.of("RolePolicy")} == {
        "janitor-prod-function": "janitor-prod-function",
        "janitor-prod-schedule": "janitor-prod-schedule",
        "janitor-prod-widget": "janitor-prod-widget",
    }
    assert prod.function.inputs["role"].endswith("role/janitor-prod-function-1a2b3c4")
    assert prod.one("Schedule").inputs["target"]["roleArn"].endswith("role/janitor-prod-schedule-1a2b3c4")


def test_alarms_of_the_account_and_rules_may_publish(prod: Deployed) -> None:
    """A condition on EventBridge would never hold: it gives none to a topic (EventBridge user guide)."""
    alarms, rules = prod.policy("TopicPolicy")
    assert alarms == {
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Resource": NOTICES,
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    assert rules == {
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Resource": NOTICES,
        "Principal": {"Service": "events.amazonaws.com"},
    }
    assert "kmsMasterKeyId" not in prod.one("Topic").inputs, "CloudWatch cannot publish to AWS's own key"


# The store, the brake, the failures


def test_the_bucket_is_encrypted_private_and_for_tls_alone(deployed: Deployed) -> None:
    """And keeps what was overwritten for a while."""
    name = deployed.one("Bucket").id
    parts = [each for each in deployed.of_aws if each.kind.startswith("aws:s3/") and "bucket" in each.inputs]
    assert len(parts) == 6
    assert {each.inputs["bucket"] for each in parts} == {name}
    block = dict(deployed.one("BucketPublicAccessBlock").inputs)
    assert [value for key, value in sorted(block.items()) if key != "bucket"] == [True] * 4
    (rule,) = deployed.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    assert deployed.one("BucketOwnershipControls").inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert deployed.one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
    (statement,) = deployed.policy("BucketPolicy")
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_the_record_goes_when_its_time_is_up_and_old_versions_sooner(prod: Deployed, everything: Deployed) -> None:
    """What is not a record stays: the last report and the cache are overwritten."""
    for deployed, days, archived in ((prod, 400, 180), (everything, 1_000, 90)):
        old, *ended = deployed.one("BucketLifecycleConfiguration").inputs["rules"]
        assert old["filter"] == {"prefix": ""}
        assert old["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
        assert old["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
        assert "expiration" not in old
        assert {each["filter"]["prefix"]: each["expiration"]["days"] for each in ended} == {
            "record/": days,
            "archive/batches/": archived,
            "archive/index/": archived,
        }
        assert {each["status"] for each in (old, *ended)} == {"Enabled"}


def test_the_store_outlives_the_stack_unless_it_is_said_otherwise(prod: Deployed, dev: Deployed) -> None:
    """The record is evidence; a stack to play with can be removed whole."""
    assert (prod.one("Bucket").retained, prod.one("Bucket").inputs["forceDestroy"]) == (True, False)
    assert (dev.one("Bucket").retained, dev.one("Bucket").inputs["forceDestroy"]) == (False, True)


def test_the_lookup_table_is_there_if_asked_for(everything: Deployed, prod: Deployed) -> None:
    """With the keys that the code writes, paid by request, kept to the second; its history alone expires."""
    assert not prod.of("Table")
    assert "lookupTable" not in prod.outputs
    table = everything.one("Table")
    assert everything.outputs["lookupTable"] == table.inputs["name"] == f"{PROJECT}-everything-lookup"
    assert (table.inputs["hashKey"], table.inputs["rangeKey"]) == (PARTITION, SORT)
    assert table.inputs["attributes"] == [{"name": each, "type": "S"} for each in (PARTITION, SORT)]
    assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
    assert table.inputs["ttl"] == {"attributeName": EXPIRES, "enabled": True}
    assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
    assert "serverSideEncryption" not in table.inputs, "DynamoDB encrypts with its own key by itself"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_functions_heed_the_lookup_table_of_the_stack(mode: Mode) -> None:
    """Both by its name; to take entries away is lent to the one that deletes alone."""
    deployed = stack("prod", lookupTable=True, mode=mode.value)
    name = deployed.one("Table").inputs["name"]
    widget = deployed.widget.inputs["environment"]["variables"]
    assert deployed.environment["JANITOR_LOOKUP_TABLE"] == widget["JANITOR_LOOKUP_TABLE"] == name
    found = load(function_settings(deployed.environment, folder=Path()).flags).lookup_table
    assert found is not None
    assert (found.name.value, found.name.source) == (name, "JANITOR_LOOKUP_TABLE")
    for role, writes in (("-function", mode is Mode.DELETE), ("-widget", False)):
        policy = json.loads(deployed.one("RolePolicy", role).inputs["policy"])
        on_table = [each for each in policy["Statement"] if any("dynamodb" in action for action in each["Action"])]
        lent = {action for each in on_table for action in each["Action"]}
        assert lent == {*lookup_table.READ_ACTIONS, *(lookup_table.EVICT_ACTIONS if writes else ())}
        assert {resource for each in on_table for resource in each["Resource"]} == {
            f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}"
        }
        assert {each["Effect"] for each in on_table} == {"Allow"}


def test_a_table_of_the_policy_file_alone_is_heeded_as_well(tmp_path: Path) -> None:
    """It may have been made elsewhere; the stack lends the rights to it."""
    file = tmp_path / "policy.toml"
    file.write_text('[[rule]]\nfamilies = ["*"]\n[lookup_table]\nname = "shared"\n', encoding="utf-8")
    deployed = stack("prod", policyFile=str(file))
    assert not deployed.of("Table")
    (statement,) = _actions(deployed)["dynamodb:DeleteItem"]
    assert statement["Resource"] == [f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/shared"]


@pytest.mark.parametrize("deleted", [True, False])
def test_the_lookup_table_outlives_the_stack_as_its_store_does(deleted: bool) -> None:  # noqa: FBT001 - a parameter
    """And is protected as long as that."""
    table = stack("prod", lookupTable=True, deleteStore=deleted).one("Table")
    assert table.retained is not deleted
    assert table.inputs["deletionProtectionEnabled"] is not deleted


def test_a_deployment_never_releases_the_brake(deployed: Deployed) -> None:
    """It is made released; then its value is nobody's business here."""
    parameter = deployed.one("Parameter")
    assert parameter.inputs["value"] == "off"
    assert parameter.inputs["type"] == "String"
    assert parameter.ignored == ("value",)


def test_what_failed_is_kept_for_two_weeks_and_rules_may_leave_it(prod: Deployed) -> None:
    """One queue; by name of each rule that uses it, and with TLS alone."""
    queue = prod.one("Queue").inputs
    assert queue["messageRetentionSeconds"] == 14 * 86_400
    assert queue["sqsManagedSseEnabled"] is True
    send, plain = prod.policy("QueuePolicy")
    assert (send["Effect"], send["Action"], send["Resource"]) == ("Allow", "sqs:SendMessage", FAILURES)
    assert send["Principal"] == {"Service": "events.amazonaws.com"}
    rules = [f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{each.inputs['name']}" for each in prod.of("EventRule")]
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": sorted(rules)}}
    assert (plain["Effect"], plain["Action"]) == ("Deny", "sqs:*")
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_whatever_can_fail_leaves_it_in_the_queue(prod: Deployed) -> None:
    """Starts and events that could not be delivered, and runs that raised."""
    letters = [each.inputs["deadLetterConfig"]["arn"] for each in prod.of("EventTarget")]
    letters.append(prod.one("Schedule").inputs["target"]["deadLetterConfig"]["arn"])
    letters.append(prod.one("FunctionEventInvokeConfig").inputs["destinationConfig"]["onFailure"]["destination"])
    assert letters == [FAILURES] * 4


# The function


def test_the_function_is_what_lambda_needs(deployed: Deployed) -> None:
    """Its own log group, arm64, Lambda's longest time, asynchronous retries that are few."""
    inputs = deployed.function.inputs
    assert inputs["handler"] == "janitor.handler.handler"
    assert inputs["runtime"] == "python3.13"
    assert inputs["architectures"] == ["arm64"]
    assert inputs["timeout"] == 900
    assert inputs["loggingConfig"] == {"logFormat": "JSON", "logGroup": deployed.log_group.inputs["name"]}
    assert "layers" not in inputs
    assert "tracingConfig" not in inputs
    asynchronous = deployed.one("FunctionEventInvokeConfig").inputs
    assert asynchronous["functionName"] == inputs["name"]
    assert asynchronous["maximumRetryAttempts"] == 1
    assert asynchronous["maximumEventAgeInSeconds"] == 21_600


def test_the_stacks_values_reach_the_resources(everything: Deployed, prod: Deployed) -> None:
    """Memory, concurrency, log retention."""
    assert everything.function.inputs["memorySize"] == 1_024
    assert everything.function.inputs["reservedConcurrentExecutions"] == 1
    assert everything.log_group.inputs["retentionInDays"] == 731
    assert prod.function.inputs["memorySize"] == 512
    assert prod.function.inputs["reservedConcurrentExecutions"] == -1
    assert prod.log_group.inputs["retentionInDays"] == 365


def test_the_function_reads_its_variables_as_the_stack_meant_them(
    deployed: Deployed, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Names that it knows, values that it takes, and a policy that is the very one of the stack."""
    (tmp_path / "policy.toml").write_bytes((ROOT / "tests" / "infra" / "policy.toml").read_bytes())
    name = request.node.callspec.params["deployed"]
    said = STACKS[name]
    assert set(deployed.environment) <= set(VARIABLES)
    function = function_settings(deployed.environment, folder=tmp_path)
    assert function.stack == name
    assert function.mode is Mode(said["mode"])
    assert function.store == f"s3://{deployed.one('Bucket').id}"
    assert function.brake == deployed.one("Parameter").inputs["name"]
    assert function.warning_percent == said.get("warningPercent", 80)
    assert function.metric_families == said.get("metricFamilies", 10)
    settings = load(function.flags)
    (rule, *others) = settings.policy.rules
    if name == "everything":
        assert settings.policy.include.value == ("airflow-*", "web-?")
        assert settings.policy.exclude.value == ("*-prod", "team-[ab]-*", "airflow-core")
        assert (settings.max_deletions, settings.abort_above) == (40_000, 500_000)
        assert rule.keep
        assert settings.archive
        assert set(settings.usage_off.value) == {"rules", "state_machines"}
        assert [each.retention.value.days for each in others] == [90, 30]
        assert [each.keep_newest.value for each in others] == [0, 0]
    else:
        assert (rule.retention.value.days, rule.keep_newest.value, others) == (180, 2, [])
        assert (settings.max_deletions, settings.abort_above) == (None, None)


def test_a_policy_file_decides_where_the_stack_is_silent(tmp_path: Path) -> None:
    """The defaults of Pulumi.yaml are no opinion: a file may say 30 days where nobody has said 180."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nfamilies = ["*"]\nretention = "30d"\nkeep_newest = 0\n')
    deployed = stack("dev", policyFile=str(policy))
    (rule,) = load(function_settings(deployed.environment, folder=tmp_path).flags).policy.rules
    assert (rule.retention.value.days, rule.keep_newest.value) == (30, 0)


def test_everything_a_function_needs_is_there_before_it(prod: Deployed) -> None:
    """A first run must not come before its rights, nor a topic's rule before its policy."""
    urns = {(each.kind.rpartition(":")[2], each.name): each.urn for each in prod.resources}
    for kind, name, before, before_name in (
        ("Function", "janitor-prod", "RolePolicy", "janitor-prod-function"),
        ("Function", "janitor-prod", "LogGroup", "janitor-prod"),
        ("Function", "janitor-prod-widget", "RolePolicy", "janitor-prod-widget"),
        ("Function", "janitor-prod-widget", "LogGroup", "janitor-prod-widget"),
        ("Schedule", "janitor-prod", "RolePolicy", "janitor-prod-schedule"),
        ("EventTarget", "janitor-prod-hops", "Permission", "janitor-prod-hops"),
        ("EventTarget", "janitor-prod-near-limit", "TopicPolicy", "janitor-prod-notices"),
        ("BucketPolicy", "janitor-prod", "BucketPublicAccessBlock", "janitor-prod"),
        ("BucketLifecycleConfiguration", "janitor-prod", "BucketVersioning", "janitor-prod"),
    ):
        resource = next(each for each in prod.of(kind) if each.name == name)
        assert urns[before, before_name] in resource.after, f"{kind} {name}"


def test_the_zip_is_the_function_with_its_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program hands over is what the builder built, from where Pulumi looks for it."""
    built: list[tuple[Path, Path | None]] = []

    def build(target: Path, *, policy: Path | None = None) -> Path:
        built.append((target, policy))
        return target

    monkeypatch.setattr("infra.function.build", build)
    archive = stack("everything").function.inputs["code"]
    ((target, policy),) = built
    assert isinstance(archive, pulumi.FileArchive)
    assert (ROOT / "infra" / archive.path).resolve() == target
    assert not Path(archive.path).is_absolute(), "the state would tell whose machine it was"
    assert policy == ROOT / "tests" / "infra" / "policy.toml"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"{target.parent.relative_to(ROOT)}/" in ignored
    assert bundle.HANDLER.split(".")[0] == "janitor"


# What wakes it


def test_the_schedule_is_as_the_stack_says(prod: Deployed, everything: Deployed) -> None:
    """When, in which zone, within which window."""
    nightly, twice = prod.one("Schedule").inputs, everything.one("Schedule").inputs
    assert (nightly["scheduleExpression"], nightly["scheduleExpressionTimezone"]) == ("cron(0 3 * * ? *)", "UTC")
    assert nightly["flexibleTimeWindow"] == {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15}
    assert (twice["scheduleExpression"], twice["scheduleExpressionTimezone"]) == ("rate(12 hours)", "Europe/Berlin")
    assert twice["flexibleTimeWindow"] == {"mode": "OFF"}
    assert nightly["target"]["arn"] == FUNCTION
    assert nightly["target"]["retryPolicy"] == {"maximumEventAgeInSeconds": 3_600, "maximumRetryAttempts": 10}


def test_the_function_takes_the_schedules_input_for_a_nightly_sweep(deployed: Deployed, tmp_path: Path) -> None:
    """In the stack's own mode, not narrowed."""
    (tmp_path / "policy.toml").write_bytes((ROOT / "tests" / "infra" / "policy.toml").read_bytes())
    function = function_settings(deployed.environment, folder=tmp_path)
    asked = invocation(json.loads(deployed.one("Schedule").inputs["target"]["input"]), function)
    assert (asked.scheduled, asked.narrowed, asked.mode) == (True, False, function.mode)


def test_the_hop_rule_may_wake_the_function(prod: Deployed) -> None:
    """The rule's target is the function, and the function lets that rule in."""
    rule, target = prod.one("EventRule", "-hops"), prod.one("EventTarget", "-hops").inputs
    assert (target["rule"], target["arn"]) == (rule.inputs["name"], FUNCTION)
    assert target["retryPolicy"] == {"maximumEventAgeInSeconds": 3_600, "maximumRetryAttempts": 10}
    assert dict(prod.one("Permission").inputs) == {
        "action": "lambda:InvokeFunction",
        "function": f"{PROJECT}-prod",
        "principal": "events.amazonaws.com",
        "sourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{PROJECT}-prod-hops",
    }


def test_each_address_is_subscribed(everything: Deployed, dev: Deployed) -> None:
    """All of them, to the one topic."""
    subscriptions = [dict(each.inputs) for each in everything.of("TopicSubscription")]
    topic = everything.one("Topic").inputs["name"]
    assert sorted(each["endpoint"] for each in subscriptions) == ["on-call@example.com", "platform@example.com"]
    assert {each["protocol"] for each in subscriptions} == {"email"}
    assert all(each["topic"].endswith(topic) for each in subscriptions)
    assert not dev.of("TopicSubscription")
