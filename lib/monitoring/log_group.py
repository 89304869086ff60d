"""Log groups: encrypted, and kept as long as the settings say."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from lib.context import Foundation
from lib.suppressions import suppress

YEAR_DAYS = 365


class LogGroup(Construct):
    """Creates a CloudWatch log group under the customer managed key.

    AWS services create a missing log group themselves, unencrypted and kept for ever, so whatever
    writes to this one must depend on it. `path` stands before the name (`/aws/lambda`). Without
    `retention_days`, the setting `monitoring.log_retention_days` holds.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        path: str,
        kind: str,
        stream_kind: str = "",
        retention_days: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        settings, key = foundation.settings, foundation.key
        key.allow_service("logs")
        days = retention_days or settings.monitoring.log_retention_days
        self.group = CloudwatchLogGroup(
            self,
            "Resource",
            name=f"{path}/{settings.name(kind)}{stream_kind}",
            kms_key_id=key.arn,
            retention_in_days=days,
            tags=settings.name_tag(f"{kind}-logs"),
        )
        if days < YEAR_DAYS:
            suppress(
                self.group,
                since="2026-11",
                reasons={"CKV_AWS_338": f"{days} days are asked for; the retention is a setting"},
            )
        self.name = self.group.name
        self.arn = self.group.arn
