"""What watches the account: trail, alarms, AWS Config, findings, logs and the key."""

from __future__ import annotations

import json
import re
from typing import Any

from lib.monitoring.cis import CIS_ALARMS
from lib.monitoring.compliance import CONFIG_RULES
from lib.monitoring.findings import FINDING_RULES
from lib.settings import BASTION, WEB
from tests.integration.conftest import Environment

# The other systems of the same environment stand in the account too.
OTHERS = re.compile(f"(?:^|[/-])(?:{BASTION.prefix}|{WEB.prefix})")


def own(environment: Environment, name: str) -> bool:
    return environment.suffix in name and not OTHERS.search(name)


def all_alarms(environment: Environment) -> dict[str, dict[str, Any]]:
    pages = environment.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {alarm["AlarmName"]: alarm for alarm in found if own(environment, alarm["AlarmName"])}


def test_trail_delivers_into_the_log_group_that_the_filters_read(alpha: Environment) -> None:
    # The emulator's trail records nothing: how it is set and what reads its log group is checked.
    trails = alpha.client("cloudtrail").describe_trails()["trailList"]
    (trail,) = trails
    assert trail["TrailARN"] == alpha.outputs["trail_arn"]
    assert trail["IsMultiRegionTrail"] is True
    assert trail["LogFileValidationEnabled"] is True
    assert trail["KmsKeyId"] == alpha.outputs["kms_key_arn"]
    assert trail["S3BucketName"] == alpha.outputs["audit_bucket_name"]
    status = alpha.client("cloudtrail").get_trail_status(Name=trail["TrailARN"])
    assert status["IsLogging"] is True
    group = trail["CloudWatchLogsLogGroupArn"].split(":log-group:")[1].removesuffix(":*")
    filters = alpha.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    assert {one["filterPattern"] for one in filters} == {row.pattern for row in CIS_ALARMS}


def test_each_filter_feeds_the_alarm_that_waits_for_it(alpha: Environment) -> None:
    filters = alpha.client("logs").describe_metric_filters(
        logGroupName=f"/aws/cloudtrail/{alpha.name('trail')}"
    )["metricFilters"]
    fed = {
        (change["metricNamespace"], change["metricName"])
        for one in filters
        for change in one["metricTransformations"]
    }
    waiting = {
        (alarm["Namespace"], alarm["MetricName"])
        for name, alarm in all_alarms(alpha).items()
        if name.startswith("cis-")
    }
    assert len(fed) == len(CIS_ALARMS) == 15
    assert fed == waiting


def test_every_alarm_tells_the_topic(alpha: Environment) -> None:
    alarms = all_alarms(alpha)
    assert {"aurora-cpu-alpha", "data-processor-errors-alpha", "cis-4-3-root-use-alpha"} <= set(
        alarms
    )
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [alpha.outputs["alarm_topic_arn"]], alarm["AlarmName"]
        assert alarm["ActionsEnabled"] is True


def test_what_an_account_has_once_was_left_to_the_other_environment(beta: Environment) -> None:
    assert "trail_arn" not in beta.outputs
    assert not any(name.startswith("cis-") for name in all_alarms(beta))
    rules = beta.client("config").describe_config_rules()["ConfigRules"]
    assert not any(rule["ConfigRuleName"].endswith(beta.suffix) for rule in rules)


def test_topic_is_encrypted_and_open_to_alarms_and_rules_alone(alpha: Environment) -> None:
    attributes = alpha.client("sns").get_topic_attributes(
        TopicArn=alpha.outputs["alarm_topic_arn"]
    )["Attributes"]
    assert attributes["KmsMasterKeyId"] == alpha.outputs["kms_key_arn"]
    allowed = {
        json.dumps(one["Principal"])
        for one in json.loads(attributes["Policy"])["Statement"]
        if one["Effect"] == "Allow"
    }
    assert allowed == {
        '{"Service": "cloudwatch.amazonaws.com"}',
        '{"Service": "events.amazonaws.com"}',
    }


def test_alarm_mail_is_subscribed(beta: Environment) -> None:
    answer = beta.client("sns").list_subscriptions_by_topic(
        TopicArn=beta.outputs["alarm_topic_arn"]
    )
    (subscription,) = answer["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "alarms@example.com")


def test_config_records_and_delivers_encrypted(alpha: Environment) -> None:
    config = alpha.client("config")
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert recorder["recordingGroup"]["allSupported"] is True
    (status,) = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert status["recording"] is True
    (channel,) = config.describe_delivery_channels()["DeliveryChannels"]
    assert channel["s3BucketName"] == alpha.outputs["audit_bucket_name"]
    assert channel["s3KmsKeyArn"] == alpha.outputs["kms_key_arn"]


def test_config_rules_are_the_table(alpha: Environment) -> None:
    rules = alpha.client("config").describe_config_rules()["ConfigRules"]
    assert {(rule["ConfigRuleName"], rule["Source"]["SourceIdentifier"]) for rule in rules} == {
        (alpha.name(f"config-{row.name}"), row.identifier) for row in CONFIG_RULES
    }


def test_findings_go_to_the_topic_as_sentences(alpha: Environment) -> None:
    # The emulator's rules do not deliver to SNS: rule, target and message are looked at instead.
    events = alpha.client("events")
    for row in FINDING_RULES:
        rule = events.describe_rule(Name=alpha.name(row.name))
        assert rule["State"] == "ENABLED"
        assert json.loads(rule["EventPattern"]) == row.pattern
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        assert target["Arn"] == alpha.outputs["alarm_topic_arn"]
        assert json.loads(target["InputTransformer"]["InputTemplate"]) == row.message


def test_log_groups_are_encrypted_and_kept_for_90_days(alpha: Environment) -> None:
    groups = alpha.client("logs").describe_log_groups()["logGroups"]
    found = {one["logGroupName"]: one for one in groups if own(alpha, one["logGroupName"])}
    assert set(found) == {
        "/aws/lambda/data-processor-alpha",
        "/aws/rds/cluster/aurora-cluster-alpha/postgresql",
        "/aws/cloudtrail/trail-alpha",
    }
    for group in found.values():
        assert group["retentionInDays"] == 90
        assert group["kmsKeyId"] == alpha.outputs["kms_key_arn"]


def test_key_rotates_and_names_its_services(alpha: Environment) -> None:
    kms, key = alpha.client("kms"), alpha.outputs["kms_key_arn"]
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


def test_dashboard_shows_database_and_function(alpha: Environment) -> None:
    body = alpha.client("cloudwatch").get_dashboard(DashboardName=alpha.outputs["dashboard_name"])[
        "DashboardBody"
    ]
    assert alpha.outputs["aurora_cluster_id"] in body
    assert alpha.outputs["function_name"] in body
    json.loads(body)
