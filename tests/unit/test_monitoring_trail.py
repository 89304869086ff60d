"""The trail with its bucket and log group."""

from __future__ import annotations

from tests.support.template import Template


def test_trail_records_management_events_of_all_regions(tap: Template) -> None:
    trail = tap.get("aws_cloudtrail", "Monitoring/Trail")
    logs = tap.get("aws_cloudwatch_log_group", "Monitoring/Trail/Logs")
    expected = {
        "name": "trail-unit",
        "s3_bucket_name": tap.get("aws_s3_bucket", "Monitoring/Audit").ref("id"),
        "s3_key_prefix": "cloudtrail",
        "cloud_watch_logs_group_arn": f"{logs.ref('arn')}:*",
        "cloud_watch_logs_role_arn": tap.get("aws_iam_role", "Monitoring/Trail/Role").ref("arn"),
        "kms_key_id": tap.get("aws_kms_key").ref("arn"),
        "enable_log_file_validation": True,
        "is_multi_region_trail": True,
        "include_global_service_events": True,
        "event_selector": [{"include_management_events": True, "read_write_type": "All"}],
    }
    assert {name: trail[name] for name in expected} == expected
    assert trail.get("enable_logging", True) is True


def test_trail_depends_on_bucket_policy_and_permissions(tap: Template) -> None:
    assert {*tap.get("aws_cloudtrail")["depends_on"]} == {
        tap.get("aws_s3_bucket_policy", "Monitoring/Audit/Policy").address,
        tap.get("aws_iam_role_policy", "Monitoring/Trail/Role/Policy").address,
        tap.get("aws_iam_role_policy_attachment", "Monitoring/Trail/Role/Region").address,
    }


def test_bucket_policy_allows_this_trail_only(tap: Template) -> None:
    arn = f"arn:aws:cloudtrail:us-east-1:{tap.account_id}:trail/trail-unit"
    statements = tap.get("aws_s3_bucket_policy", "Monitoring/Audit/Policy").statements()
    for sid in ("AWSCloudTrailAclCheck", "AWSCloudTrailWrite"):
        assert statements[sid]["Condition"] == {"StringEquals": {"aws:SourceArn": arn}}
    assert tap.document["output"]["trail_arn"]["value"] == arn


def test_role_writes_to_its_log_group_only(tap: Template) -> None:
    logs = tap.get("aws_cloudwatch_log_group", "Monitoring/Trail/Logs").ref("arn")
    (statement,) = (
        tap.get("aws_iam_role_policy", "Monitoring/Trail/Role/Policy").statements().values()
    )
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == f"{logs}:log-stream:{tap.account_id}_CloudTrail_*"
