"""The CloudTrail trail that the CIS alarms read."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail, CloudtrailEventSelector
from constructs import Construct

from lib.context import Foundation
from lib.iam_policy import Conditions, Statement
from lib.monitoring.log_group import LogGroup
from lib.security.roles import ServiceRole
from lib.storage.bucket import SecureBucket
from lib.suppressions import suppress

PREFIX = "cloudtrail"


class Trail(Construct):
    """Creates a trail of management events of every Region, to the audit bucket and a log group.

    Metric filters see only what a trail delivers into their very log group: `log_group` is that
    one. An account gets one copy of management events for nothing and pays for each further one,
    so the setting `monitoring.trail` can leave the trail out.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        bucket: SecureBucket,
    ) -> None:
        super().__init__(scope, id_)
        settings, account, key = foundation.settings, foundation.account, foundation.key
        key.allow_service("cloudtrail")
        self.arn = account.arn("cloudtrail", f"trail/{settings.name('trail')}")
        self.log_group = LogGroup(
            self, "Logs", foundation=foundation, path="/aws/cloudtrail", kind="trail"
        )
        from_trail: Conditions = {"StringEquals": {"aws:SourceArn": self.arn}}
        bucket.allow_service_to_write(
            "CloudTrail",
            "cloudtrail",
            prefix=f"{PREFIX}/AWSLogs/{account.id}/",
            look=("s3:GetBucketAcl",),
            conditions=from_trail,
        )
        role = ServiceRole(
            self,
            "Role",
            foundation=foundation,
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
            name=settings.name("trail"),
            s3_bucket_name=bucket.bucket.id,
            s3_key_prefix=PREFIX,
            cloud_watch_logs_group_arn=f"{self.log_group.arn}:*",
            cloud_watch_logs_role_arn=role.arn,
            kms_key_id=key.arn,
            enable_log_file_validation=True,
            # IAM, STS and root sign-ins are logged in us-east-1 wherever the platform runs.
            is_multi_region_trail=True,
            include_global_service_events=True,
            event_selector=[
                CloudtrailEventSelector(include_management_events=True, read_write_type="All")
            ],
            tags=settings.name_tag("trail"),
            depends_on=[bucket.policy, *role.permissions],
        )
        suppress(
            trail,
            since="2026-11",
            reasons={"CKV_AWS_252": "Alarms come from the log group, not from each delivered file"},
        )
