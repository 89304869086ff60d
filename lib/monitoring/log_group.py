"""CloudWatch log groups that are encrypted and have a retention period."""

from __future__ import annotations

import re

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from lib.context import Context
from lib.security.key import KEY_USE
from lib.suppressions import suppress

YEAR_DAYS = 365
# The minimum of the rule `require_log_retention`.
MINIMUM_RETENTION_DAYS = 90
_TOKEN = re.compile(r"\$\{[^}]*\}")


class LogGroup(Construct):
    """Creates a CloudWatch log group that is encrypted with the key of the context.

    AWS services create a missing log group themselves, unencrypted and without a retention period,
    so every resource that writes to the group must depend on it. The name is
    `{path}/{kind}{-suffix}{stream_kind}`, such as `/aws/lambda/data-processor-dev`.
    `retention_days` replaces the retention of the context.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        path: str,
        kind: str,
        stream_kind: str = "",
        retention_days: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        days = retention_days or context.log_retention.log_group_days
        name = f"{path}/{context.name(kind)}{stream_kind}"
        # The exact name, since a pattern such as `*-dev` matches the environment `my-dev` as well.
        # Values of references are not known at synthesis.
        context.key.allow_service(
            f"logs.{context.region}",
            sid="AllowCloudWatchLogs",
            actions=(*KEY_USE, "kms:DescribeKey"),
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        context.account.arn("logs", f"log-group:{_TOKEN.sub('*', name)}")
                    ]
                }
            },
        )
        self.group = CloudwatchLogGroup(
            self,
            "Resource",
            name=name,
            kms_key_id=context.key.arn,
            retention_in_days=days,
            tags=context.name_tag(f"{kind}-logs"),
        )
        if days < YEAR_DAYS:
            suppress(
                self.group,
                since="2026-11",
                reasons={
                    "CKV_AWS_338": f"{days} days are required; the retention is a setting",
                },
            )
        if days < MINIMUM_RETENTION_DAYS:
            suppress(
                self.group,
                since="2026-11",
                reasons={
                    "require_log_retention": f"{days} days are chosen by the setting of these logs"
                },
            )
        self.name = self.group.name
        self.arn = self.group.arn
