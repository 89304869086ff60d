"""The bucket that other buckets log their accesses to."""

from __future__ import annotations

from constructs import Construct

from lib.account import Account
from lib.security.key import EncryptionKey
from lib.settings import Settings
from lib.storage.bucket import Retention, SecureBucket


class AccessLogsBucket(SecureBucket):
    """Creates the bucket that other buckets of the account write their access logs to.

    AWS documents SSE-S3 alone for such a bucket. With a customer managed key that lets the logging
    service in, delivery works (aws/aws-cdk#24789 reports it), and that is the default here; with
    the AWS managed key nothing arrives and nothing says so. The setting
    `storage.access_logs_encryption` switches to SSE-S3.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
    ) -> None:
        with_key = settings.storage.access_logs_encryption == "kms"
        if with_key:
            key.allow_service("s3-access-logs")
        super().__init__(
            scope,
            id_,
            settings=settings,
            account=account,
            kind="access-logs",
            key=key if with_key else None,
            retention=Retention.of_logs(settings),
        )
        # The logging service is let in by policy; an ACL would need ownership to be loosened.
        self.allow_service_to_write(
            "AccessLogs",
            "logging.s3",
            conditions={"StringEquals": {"aws:SourceAccount": account.id}},
        )
        self.require_mfa_for_deletion()
