"""Log groups."""

from __future__ import annotations

import pytest

from lib.monitoring.log_group import LogGroup
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tests.unit.conftest import UnitStack

GROUPS = {
    "DataProcessing/Logs": "/aws/lambda/data-processor-unit",
    "Database/Logs": "/aws/rds/cluster/aurora-cluster-unit/postgresql",
    "Monitoring/Trail/Logs": "/aws/cloudtrail/trail-unit",
}


def test_names_are_those_of_the_services(tap: Template) -> None:
    assert {g.path: g["name"] for g in tap.of_type("aws_cloudwatch_log_group")} == GROUPS


@pytest.mark.parametrize("days", [90, 731])
def test_retention_is_configurable(days: int, synth: Synthesizer) -> None:
    template = synth("tap", TAP_MONITORING_LOG_RETENTION_DAYS=str(days))
    groups = template.of_type("aws_cloudwatch_log_group")
    assert {group["retention_in_days"] for group in groups} == {days}
    suppressed = ["CKV_AWS_338" in group.suppressions for group in groups]
    assert suppressed == [days < 365] * len(GROUPS)


def test_log_group_allows_cloudwatch_logs_to_use_the_key(stack: UnitStack) -> None:
    LogGroup(stack, "Logs", context=stack.context, path="/some/path", kind="thing")
    template = stack.template()
    group = template.get("aws_cloudwatch_log_group")
    assert group["name"] == "/some/path/thing-unit"
    assert group["kms_key_id"] == template.get("aws_kms_key").ref("arn")
    assert "AllowCloudWatchLogs" in template.get("aws_kms_key").statements()
    assert group["tags"] == {"Name": "thing-logs-unit"}


def test_retention_of_a_log_group_replaces_that_of_the_context(stack: UnitStack) -> None:
    LogGroup(stack, "Logs", context=stack.context, path="/p", kind="thing", retention_days=7)
    assert stack.template().get("aws_cloudwatch_log_group")["retention_in_days"] == 7
