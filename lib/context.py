"""What every system stands on, made once a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdktf import TerraformStack

from lib import terraform
from lib.account import Account
from lib.security.key import EncryptionKey, RegionRestriction
from lib.settings import Settings
from lib.storage.access_logs import AccessLogsBucket


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Settings, account, key, region restriction and the bucket of access logs of one stack."""

    settings: Settings
    account: Account
    key: EncryptionKey
    restriction: RegionRestriction
    access_logs: AccessLogsBucket

    @classmethod
    def build(
        cls,
        stack: TerraformStack,
        *,
        settings: Settings,
        key_used_through: Sequence[str],
        key_kept_by: Sequence[str],
    ) -> Foundation:
        """Give a stack its provider, its state in S3, and these; they stand right in the stack."""
        terraform.use_aws(stack, settings)
        terraform.keep_state_in_s3(stack, settings)
        account = Account(stack, "Account", settings=settings)
        key = EncryptionKey(
            stack,
            "Key",
            settings=settings,
            account=account,
            used_through=key_used_through,
            kept_by=key_kept_by,
        )
        return cls(
            settings=settings,
            account=account,
            key=key,
            restriction=RegionRestriction(stack, "RegionRestriction", settings=settings),
            access_logs=AccessLogsBucket(
                stack, "AccessLogs", settings=settings, account=account, key=key
            ),
        )
