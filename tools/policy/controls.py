"""The controls that the stacks support, as data: settings, alarms and AWS Config rules.

The controls of the rules are part of the rules (`lib/rules`). Every row states what a test finds in
the synthesized JSON.
"""

from __future__ import annotations

from typing import NamedTuple

from lib.rules import Controls


class Evidence(NamedTuple):
    """What every resource of a type that a construct creates has.

    `construct` is `module.Class`, `argument` a path of arguments (empty: the resource exists), and
    `pattern` a regular expression that the JSON of the value matches (`.` any value).
    """

    construct: str
    type: str
    argument: str = ""
    pattern: str = "."


class Row(NamedTuple):
    """A statement about the stacks, the controls that it supports, and its evidence."""

    statement: str
    controls: Controls
    evidence: tuple[Evidence, ...]


TRAIL, NETWORK = "lib.monitoring.trail.Trail", "lib.networking.network.Network"
CONFIG, BUCKET = "lib.monitoring.compliance.ConfigCompliance", "lib.storage.bucket.SecureBucket"
CIS_CONSTRUCT = "lib.monitoring.cis.CisAlarms"

SETTINGS = (
    Row(
        "CloudTrail logs API calls of all Regions",
        Controls(
            cis=("3.1",), fsbp=("CloudTrail.1",), nist=("AC-2(4)", "AU-2", "AU-3", "AU-12", "SI-4")
        ),
        (Evidence(TRAIL, "aws_cloudtrail", "is_multi_region_trail", "true"),),
    ),
    Row(
        "CloudTrail validates log files",
        Controls(cis=("3.2",), fsbp=("CloudTrail.4",), nist=("AU-9", "SI-4", "SI-7(1)", "SI-7(7)")),
        (Evidence(TRAIL, "aws_cloudtrail", "enable_log_file_validation", "true"),),
    ),
    Row(
        "CloudTrail delivers to CloudWatch Logs, which the alarms evaluate",
        Controls(fsbp=("CloudTrail.5",), nist=("AU-6(1)", "AU-6(3)", "AU-6(4)", "SI-4(5)")),
        (Evidence(TRAIL, "aws_cloudtrail", "cloud_watch_logs_group_arn"),),
    ),
    Row(
        "AWS Config records all resource types",
        Controls(cis=("3.3",), fsbp=("Config.1",), nist=("CM-3", "CM-6(1)", "CM-8", "CM-8(2)")),
        (
            Evidence(
                *(CONFIG, "aws_config_configuration_recorder"),
                *("recording_group.all_supported", "true"),
            ),
        ),
    ),
    Row(
        "Buckets log access requests",
        Controls(cis=("3.4",), fsbp=("S3.9",), nist=("AC-2(4)", "AU-2", "AU-3", "AU-12")),
        (Evidence(BUCKET, "aws_s3_bucket_logging", "target_bucket"),),
    ),
    Row(
        "Buckets have lifecycle rules",
        Controls(fsbp=("S3.13",), nist=("CP-10", "SI-12")),
        (Evidence(BUCKET, "aws_s3_bucket_lifecycle_configuration", "rule"),),
    ),
    Row(
        "VPC flow logs record all traffic",
        Controls(cis=("3.7",), fsbp=("EC2.6",), nist=("AC-4(26)", "AU-2", "AU-12", "CA-7")),
        (Evidence(NETWORK, "aws_flow_log", "traffic_type", '"ALL"'),),
    ),
    Row(
        "The default security group is managed and has no rules (`restrict_ingress`)",
        Controls(cis=("5.4",), fsbp=("EC2.2",), nist=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)")),
        (Evidence(NETWORK, "aws_default_security_group"),),
    ),
    Row(
        "Roles cannot use services in other Regions",
        Controls(nist=("AC-3", "AC-6", "CM-7")),
        (
            Evidence(
                *("lib.security.region_restriction.RegionRestriction", "aws_iam_policy"),
                *("policy", "aws:RequestedRegion"),
            ),
        ),
    ),
    Row(
        "Findings of GuardDuty and Security Hub are sent to the alarm topic",
        Controls(nist=("AU-6(1)", "IR-4(1)", "SI-4(5)")),
        (
            Evidence(
                *("lib.monitoring.findings.Findings", "aws_cloudwatch_event_rule"),
                *("event_pattern", r"aws\.(guardduty|securityhub)"),
            ),
        ),
    ),
    Row(
        "AWS WAF inspects requests to the web application",
        Controls(fsbp=("APIGateway.4",), nist=("AC-4(21)", "SC-7")),
        (Evidence("lib.security.web_acl.WebAcl", "aws_wafv2_web_acl_association", "web_acl_arn"),),
    ),
    Row(
        "The load balancer and the API log requests",
        Controls(
            fsbp=("APIGateway.1", "ELB.5"), nist=("AC-4(26)", "AU-2", "AU-3", "AU-12", "CA-7")
        ),
        (
            Evidence(
                *("lib.compute.load_balancer.LoadBalancer", "aws_lb"),
                *("access_logs.enabled", "true"),
            ),
            Evidence("lib.api.rest_api.Api", "aws_api_gateway_stage", "access_log_settings"),
        ),
    ),
)
CIS_ALARM_CONTROLS = ("AU-6(1)", "SI-4(5)")

# The controls of the AWS Config rules, by their identifiers.
CONFIG_CONTROLS = {
    "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED": Controls(nist=("SC-13", "SC-28")),
    "S3_DEFAULT_ENCRYPTION_KMS": Controls(nist=("SC-12(2)", "SC-28")),
    "RDS_STORAGE_ENCRYPTED": Controls(cis=("2.3.1",), fsbp=("RDS.3",), nist=("SC-28(1)",)),
    "RDS_CLUSTER_ENCRYPTED_AT_REST": Controls(fsbp=("RDS.27",), nist=("SC-28(1)",)),
    "RDS_SNAPSHOT_ENCRYPTED": Controls(fsbp=("RDS.4",), nist=("SC-28(1)",)),
    "ENCRYPTED_VOLUMES": Controls(fsbp=("EC2.3",), nist=("SC-28(1)",)),
    "EC2_EBS_ENCRYPTION_BY_DEFAULT": Controls(cis=("2.2.1",), fsbp=("EC2.7",), nist=("SC-28(1)",)),
    "CLOUD_TRAIL_ENCRYPTION_ENABLED": Controls(
        cis=("3.5",), fsbp=("CloudTrail.2",), nist=("AU-9", "SC-28")
    ),
    "SNS_ENCRYPTED_KMS": Controls(nist=("SC-13", "SC-28")),
    "SECRETSMANAGER_USING_CMK": Controls(nist=("SC-12(2)",)),
    "CLOUDWATCH_LOG_GROUP_ENCRYPTED": Controls(nist=("AU-9(3)", "SC-28")),
    "CMK_BACKING_KEY_ROTATION_ENABLED": Controls(cis=("3.6",), nist=("SC-12", "SC-12(2)")),
    "S3_BUCKET_PUBLIC_READ_PROHIBITED": Controls(fsbp=("S3.2",), nist=("AC-3", "SC-7")),
    "S3_BUCKET_PUBLIC_WRITE_PROHIBITED": Controls(fsbp=("S3.3",), nist=("AC-3", "SC-7")),
    "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED": Controls(
        cis=("2.1.4",), fsbp=("S3.8",), nist=("AC-3", "SC-7")
    ),
    "RDS_INSTANCE_PUBLIC_ACCESS_CHECK": Controls(
        cis=("2.3.3",), fsbp=("RDS.2",), nist=("AC-4", "SC-7")
    ),
    "RDS_SNAPSHOTS_PUBLIC_PROHIBITED": Controls(fsbp=("RDS.1",), nist=("AC-3", "SC-7")),
    "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": Controls(fsbp=("Lambda.1",), nist=("AC-3", "SC-7")),
    "INCOMING_SSH_DISABLED": Controls(cis=("5.2",), nist=("AC-4", "CM-7", "SC-7")),
    "VPC_DEFAULT_SECURITY_GROUP_CLOSED": Controls(
        cis=("5.4",), fsbp=("EC2.2",), nist=("AC-4", "SC-7")
    ),
    "S3_BUCKET_SSL_REQUESTS_ONLY": Controls(
        cis=("2.1.1",), fsbp=("S3.5",), nist=("SC-8", "SC-8(1)")
    ),
    "S3_BUCKET_VERSIONING_ENABLED": Controls(nist=("CP-9", "CP-10", "SI-12")),
    "VPC_FLOW_LOGS_ENABLED": Controls(cis=("3.7",), fsbp=("EC2.6",), nist=("AU-2", "AU-12")),
    "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED": Controls(
        cis=("3.2",), fsbp=("CloudTrail.4",), nist=("AU-9", "SI-7(1)")
    ),
    "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED": Controls(
        fsbp=("CloudTrail.5",), nist=("AU-6(1)", "SI-4(5)")
    ),
}
