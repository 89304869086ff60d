"""The bucket that receives the server access logs of other buckets."""

from __future__ import annotations

from typing import Literal

from constructs import Construct

from lib.context import Context
from lib.security.key import KEY_WRITE
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

KIND = "access-logs"


class AccessLogsBucket(SecureBucket):
    """Creates the bucket that receives the server access logs of the other buckets of a context.

    AWS documents only SSE-S3 for this bucket (`encryption="s3"`). With a customer managed key that
    the logging service may use, delivery is reported to work (aws/aws-cdk#24789); with the AWS
    managed key nothing is delivered, without an error.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        encryption: Literal["kms", "s3"] = "kms",
    ) -> None:
        account = context.account
        super().__init__(
            scope,
            id_,
            context=context,
            kind=KIND,
            encryption=context.key if encryption == "kms" else "s3",
            retention=Retention.for_logs(context.log_retention),
            access_log=False,
        )
        if encryption == "kms":
            # By name: the key policy must not refer to the bucket, which refers to the key. S3
            # passes the bucket (with a bucket key) or the object as encryption context; AWS does
            # not document that the logging service passes the source account to KMS.
            arn = account.bucket_arn(f"{context.name(KIND)}-{account.id}")
            context.key.allow_service(
                "logging.s3",
                sid="AllowS3AccessLogs",
                actions=KEY_WRITE,
                conditions={"ArnLike": {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/*"]}},
            )
        else:
            suppress(
                self.bucket,
                since="2026-11",
                reasons={
                    "require_bucket_encryption": "SSE-S3 is the encryption that AWS documents here"
                },
            )
        # By policy: an ACL would require another object ownership.
        self.allow_service_to_write(
            "logging.s3",
            sid="S3ServerAccessLogsPolicy",
            conditions={"StringEquals": {"aws:SourceAccount": account.id}},
        )
        self.require_mfa_for_deletion()
