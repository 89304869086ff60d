"""CloudTrail trails."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail, CloudtrailEventSelector
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Conditions, Statement
from lib.monitoring.log_group import LogGroup
from lib.security.roles import ServiceRole
from lib.storage.bucket import SecureBucket
from lib.suppressions import suppress

PREFIX = "cloudtrail"


class Trail(Construct):
    """Creates a trail of the management events of all Regions, to a bucket and a log group.

    `log_group` receives the events, for metric filters. The first copy of management events in an
    account is free; AWS charges for every further trail.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        bucket: SecureBucket,
    ) -> None:
        super().__init__(scope, id_)
        account, key = context.account, context.key
        self.arn = account.arn("cloudtrail", f"trail/{context.name('trail')}")
        self.log_group = LogGroup(
            self, "Logs", context=context, path="/aws/cloudtrail", kind="trail"
        )
        from_trail: Conditions = {"StringEquals": {"aws:SourceArn": self.arn}}
        # By ARN: the key policy must not refer to the trail, which refers to the key. CloudTrail
        # uses the key before it creates the trail.
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
        trails = account.arn("cloudtrail", "trail/*", region="*")
        key.allow_service(
            "cloudtrail",
            sid="AllowCloudTrailEncryptLogs",
            actions=("kms:GenerateDataKey*",),
            conditions={
                **from_trail,
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
            },
        )
        key.allow_service(
            "cloudtrail",
            sid="AllowCloudTrailDescribeKey",
            actions=("kms:DescribeKey", "kms:Decrypt"),
            conditions=from_trail,
        )
        bucket.allow_service_to_write(
            "cloudtrail",
            sid="AWSCloudTrailWrite",
            prefix=f"{PREFIX}/AWSLogs/{account.id}/",
            check_sid="AWSCloudTrailAclCheck",
            bucket_actions=("s3:GetBucketAcl",),
            conditions=from_trail,
        )
        role = ServiceRole(
            self,
            "Role",
            context=context,
            kind="trail-role",
            assumed_by="cloudtrail",
            description="Lets CloudTrail write to its log group",
        )
        role.grant(
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"{self.log_group.arn}:log-stream:{account.id}_CloudTrail_*",),
            )
        )
        trail = Cloudtrail(
            self,
            "Resource",
            name=context.name("trail"),
            s3_bucket_name=bucket.bucket.id,
            s3_key_prefix=PREFIX,
            cloud_watch_logs_group_arn=f"{self.log_group.arn}:*",
            cloud_watch_logs_role_arn=role.arn,
            kms_key_id=key.arn,
            enable_log_file_validation=True,
            # Events of IAM and STS and sign-ins of the root user are logged in us-east-1.
            is_multi_region_trail=True,
            include_global_service_events=True,
            event_selector=[
                CloudtrailEventSelector(include_management_events=True, read_write_type="All")
            ],
            tags=context.name_tag("trail"),
            depends_on=[bucket.policy, *role.permissions],
        )
        suppress(
            trail,
            since="2026-11",
            reasons={"CKV_AWS_252": "Alarms come from the log group, not from each delivered file"},
        )
