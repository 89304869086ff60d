"""Flow logs of a VPC."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.flow_log import FlowLog, FlowLogDestinationOptions
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct

from lib.account import Account
from lib.context import Context
from lib.iam_policy import Statement, service
from lib.security.key import KEY_USE
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress


def create_flow_logs(
    scope: Construct, *, context: Context, vpc: Vpc, interval_seconds: int
) -> SecureBucket:
    """Log all flows of a VPC to a new bucket, and return the bucket.

    VPC flow logs aggregate over 60 or 600 seconds and no other interval.
    """
    account = context.account
    context.key.allow_service(
        "delivery.logs",
        sid="AllowVpcFlowLogs",
        actions=(*KEY_USE, "kms:DescribeKey"),
        conditions={
            "StringEquals": {"aws:SourceAccount": account.id},
            "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
        },
    )
    bucket = SecureBucket(
        scope,
        "FlowLogs",
        context=context,
        kind="flow-logs",
        retention=Retention.for_logs(context.log_retention),
    )
    _allow_log_delivery(bucket, context.account)
    bucket.require_mfa_for_deletion()
    FlowLog(
        scope,
        "FlowLog",
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="s3",
        log_destination=bucket.arn,
        max_aggregation_interval=interval_seconds,
        destination_options=FlowLogDestinationOptions(
            file_format="parquet",
            hive_compatible_partitions=False,
            per_hour_partition=True,
        ),
        tags=context.name_tag("flow-log"),
        # Without a bucket policy AWS creates one itself, and Terraform's is rejected.
        depends_on=[bucket.policy],
    )
    return bucket


def _allow_log_delivery(bucket: SecureBucket, account: Account) -> None:
    """Allow the delivery of flow logs by the two statements that AWS documents.

    If a statement is missing, AWS adds it to the bucket policy. The first one requires an ACL
    header that is not sent for every bucket without ACLs, hence the third statement.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
    """
    prefix = f"AWSLogs/{account.id}/"
    from_account = {"aws:SourceAccount": account.id}
    from_logs = {"aws:SourceArn": account.arn("logs", "*")}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    bucket.allow(
        Statement(
            sid="AWSLogDeliveryWrite",
            principals=service("delivery.logs"),
            actions=("s3:PutObject",),
            resources=(f"{bucket.arn}/{prefix}*",),
            conditions={"StringEquals": {**from_account, **acl}, "ArnLike": from_logs},
        ),
        Statement(
            sid="AWSLogDeliveryAclCheck",
            principals=service("delivery.logs"),
            actions=("s3:GetBucketAcl", "s3:ListBucket"),
            resources=(bucket.arn,),
            conditions={"StringEquals": from_account, "ArnLike": from_logs},
        ),
    )
    bucket.allow_service_to_write(
        "delivery.logs",
        sid="AllowFlowLogsWithoutAcl",
        prefix=prefix,
        conditions={"StringEquals": from_account, "ArnLike": from_logs},
    )
    suppress(
        bucket.policy,
        since="2026-11",
        reasons={"no_redundant_statements": "AWS adds the narrower statement where it is missing"},
    )
