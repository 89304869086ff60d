"""The deployed monitoring of the account: trail, alarms, AWS Config, findings, logs and key."""

from __future__ import annotations

import json
import re
from typing import Any

from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.config_table import CONFIG_RULES
from lib.monitoring.findings import FINDING_RULES
from lib.stacks import STACKS
from tests.integration.conftest import Environment

# Prefixes of the other stacks that are deployed with the same suffix.
OTHERS = re.compile("|".join(f"(?:^|[/-]){spec.prefix}" for spec in STACKS.values() if spec.prefix))


def own(environment: Environment, name: str) -> bool:
    """Return whether a physical name belongs to TapStack of this environment."""
    return bool(re.search(rf"-{environment.suffix}(?:/|$)", name)) and not OTHERS.search(name)


def all_alarms(environment: Environment) -> dict[str, dict[str, Any]]:
    pages = environment.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {alarm["AlarmName"]: alarm for alarm in found if own(environment, alarm["AlarmName"])}


def test_trail_delivers_to_the_log_group_of_the_metric_filters(environment: Environment) -> None:
    # The trail of the emulator records nothing: the test reads its settings.
    trails = environment.client("cloudtrail").describe_trails()["trailList"]
    (trail,) = trails
    assert trail["TrailARN"] == environment.outputs["trail_arn"]
    assert trail["IsMultiRegionTrail"] is True
    assert trail["LogFileValidationEnabled"] is True
    assert trail["KmsKeyId"] == environment.outputs["kms_key_arn"]
    assert trail["S3BucketName"] == environment.outputs["audit_bucket_name"]
    status = environment.client("cloudtrail").get_trail_status(Name=trail["TrailARN"])
    assert status["IsLogging"] is True
    group = trail["CloudWatchLogsLogGroupArn"].split(":log-group:")[1].removesuffix(":*")
    filters = environment.client("logs").describe_metric_filters(logGroupName=group)[
        "metricFilters"
    ]
    assert {one["filterPattern"] for one in filters} == {row.pattern for row in CIS_ALARMS}


def test_each_metric_filter_has_an_alarm_on_its_metric(environment: Environment) -> None:
    filters = environment.client("logs").describe_metric_filters(
        logGroupName=f"/aws/cloudtrail/{environment.name('trail')}"
    )["metricFilters"]
    metrics = {
        (change["metricNamespace"], change["metricName"])
        for one in filters
        for change in one["metricTransformations"]
    }
    alarmed = {
        (alarm["Namespace"], alarm["MetricName"])
        for name, alarm in all_alarms(environment).items()
        if name.startswith("cis-")
    }
    assert len(metrics) == len(CIS_ALARMS)
    assert metrics == alarmed


def test_alarms_notify_the_topic(environment: Environment) -> None:
    alarms = all_alarms(environment)
    assert {
        "aurora-cpu-default",
        "data-processor-errors-default",
        "cis-4-3-root-use-default",
    } <= set(alarms)
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [environment.outputs["alarm_topic_arn"]], alarm["AlarmName"]
        assert alarm["ActionsEnabled"] is True


def test_custom_environment_creates_no_resources_that_are_unique_in_an_account(
    custom_environment: Environment,
) -> None:
    assert "trail_arn" not in custom_environment.outputs
    assert not any(name.startswith("cis-") for name in all_alarms(custom_environment))
    rules = custom_environment.client("config").describe_config_rules()["ConfigRules"]
    assert not any(rule["ConfigRuleName"].endswith(custom_environment.suffix) for rule in rules)


def test_topic_is_encrypted_and_accepts_only_alarms_and_event_rules(
    environment: Environment,
) -> None:
    attributes = environment.client("sns").get_topic_attributes(
        TopicArn=environment.outputs["alarm_topic_arn"]
    )["Attributes"]
    assert attributes["KmsMasterKeyId"] == environment.outputs["kms_key_arn"]
    allowed = {
        json.dumps(one["Principal"])
        for one in json.loads(attributes["Policy"])["Statement"]
        if one["Effect"] == "Allow"
    }
    assert allowed == {
        '{"Service": "cloudwatch.amazonaws.com"}',
        '{"Service": "events.amazonaws.com"}',
    }


def test_alarm_email_address_is_subscribed(custom_environment: Environment) -> None:
    answer = custom_environment.client("sns").list_subscriptions_by_topic(
        TopicArn=custom_environment.outputs["alarm_topic_arn"]
    )
    (subscription,) = answer["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "alarms@example.com")


def test_config_recorder_delivers_encrypted(environment: Environment) -> None:
    config = environment.client("config")
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert recorder["recordingGroup"]["allSupported"] is True
    (status,) = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert status["recording"] is True
    (channel,) = config.describe_delivery_channels()["DeliveryChannels"]
    assert channel["s3BucketName"] == environment.outputs["audit_bucket_name"]
    assert channel["s3KmsKeyArn"] == environment.outputs["kms_key_arn"]


def test_config_rules_equal_the_table(environment: Environment) -> None:
    rules = environment.client("config").describe_config_rules()["ConfigRules"]
    assert {(rule["ConfigRuleName"], rule["Source"]["SourceIdentifier"]) for rule in rules} == {
        (environment.name(f"config-{row.name}"), row.identifier) for row in CONFIG_RULES
    }


def test_finding_rules_notify_the_topic_with_a_message(environment: Environment) -> None:
    # Rules of the emulator do not deliver to SNS: the test reads rule, target and message.
    events = environment.client("events")
    for row in FINDING_RULES:
        rule = events.describe_rule(Name=environment.name(row.name))
        assert rule["State"] == "ENABLED"
        assert json.loads(rule["EventPattern"]) == row.pattern
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        assert target["Arn"] == environment.outputs["alarm_topic_arn"]
        assert json.loads(target["InputTransformer"]["InputTemplate"]) == row.message


def test_log_groups_are_encrypted_with_90_days_of_retention(environment: Environment) -> None:
    groups = environment.client("logs").describe_log_groups()["logGroups"]
    found = {one["logGroupName"]: one for one in groups if own(environment, one["logGroupName"])}
    assert set(found) == {
        "/aws/lambda/data-processor-default",
        "/aws/rds/cluster/aurora-cluster-default/postgresql",
        "/aws/cloudtrail/trail-default",
    }
    for group in found.values():
        assert group["retentionInDays"] == 90
        assert group["kmsKeyId"] == environment.outputs["kms_key_arn"]


def test_key_rotates_and_allows_only_the_required_services(environment: Environment) -> None:
    kms, key = environment.client("kms"), environment.outputs["kms_key_arn"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    services = {
        one["Principal"]["Service"] for one in policy["Statement"] if "Service" in one["Principal"]
    }
    assert services == {
        "logs.us-east-1.amazonaws.com",
        "s3.amazonaws.com",
        "logging.s3.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "config.amazonaws.com",
    }


def test_dashboard_contains_database_and_function(environment: Environment) -> None:
    body = environment.client("cloudwatch").get_dashboard(
        DashboardName=environment.outputs["dashboard_name"]
    )["DashboardBody"]
    assert environment.outputs["aurora_cluster_id"] in body
    assert environment.outputs["function_name"] in body
    json.loads(body)
