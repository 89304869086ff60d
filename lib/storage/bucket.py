"""S3 buckets with secure defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
    S3BucketLifecycleConfigurationRuleTransition,
)
from cdktf_cdktf_provider_aws.s3_bucket_logging import S3BucketLoggingA
from cdktf_cdktf_provider_aws.s3_bucket_notification import (
    S3BucketNotification,
    S3BucketNotificationQueue,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct

from lib.context import Context, LogRetention
from lib.iam_policy import Conditions, Statement, service
from lib.messaging.queue import Queue
from lib.security.key import Key
from lib.security.policy_document import PolicyDocument
from lib.suppressions import suppress

ABANDONED_UPLOAD_DAYS = 7
MFA_MAX_AGE_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a bucket keeps objects, in days; None means without limit.

    `infrequent_access_days` is the age at which objects move to S3 Standard-IA.
    `prefix_expiration_days` expires objects under a prefix (`incoming/`).
    """

    expiration_days: int | None = None
    infrequent_access_days: int | None = None
    noncurrent_version_days: int = 90
    prefix_expiration_days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def for_logs(cls, retention: LogRetention) -> Retention:
        """The retention of a bucket that receives logs."""
        return cls(
            expiration_days=retention.object_days,
            noncurrent_version_days=retention.noncurrent_version_days,
        )


@dataclass(frozen=True, kw_only=True)
class EventNotification:
    """Event notifications to a queue for each object that is created under `prefix`.

    A consumer of the queue must not write under the same prefix: each object would cause another
    message.
    """

    queue: Queue
    prefix: str = ""


class SecureBucket(Construct):
    """Creates a private, versioned S3 bucket with its bucket policy, lifecycle and access log.

    Guarantee: requests over plain HTTP or TLS below 1.2 are denied, objects are encrypted with the
    key of the bucket and no other, ACLs are disabled, public access is blocked. After
    `require_mfa_for_deletion()`, objects are deleted only with recent MFA. Terraform removes the
    bucket policy before it empties the bucket, so the bucket stays destroyable.

    The name is `{kind}-{suffix}-{account id}` unless `name` is given, because bucket names are
    global. `encryption` is an `EncryptionKey` or `ExistingKey`, "s3" for SSE-S3, or None for the
    key of the context. `bucket_key=False` is for services that require an encryption context of
    their own, which a bucket key replaces. `encrypting_service` names a service that chooses the
    encryption of the objects that it writes.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        encryption: Key | Literal["s3"] | None = None,
        retention: Retention | None = None,
        access_log: bool = True,
        notification: EventNotification | None = None,
        name: str | None = None,
        bucket_key: bool = True,
        encrypting_service: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._key = None if encryption == "s3" else encryption or context.key
        self._bucket_key = bucket_key and self._key is not None
        self._encrypting_service = encrypting_service
        if self._key:
            self._key.allow_via_service("s3")
        self.bucket = S3Bucket(
            self,
            "Resource",
            bucket=name or f"{context.name(kind)}-{context.account.id}",
            force_destroy=True,
            tags=context.name_tag(kind),
        )
        suppress(
            self.bucket,
            since="2026-11",
            reasons={"CKV_AWS_144": "One Region by requirement; versioning protects the objects"},
        )
        if self._key is None:
            suppress(
                self.bucket,
                since="2026-11",
                reasons={"CKV_AWS_145": "SSE-S3 was chosen for this bucket"},
            )
        self.name = self.bucket.bucket
        self.arn = self.bucket.arn
        S3BucketPublicAccessBlock(
            self,
            "PublicAccessBlock",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketOwnershipControls(
            self,
            "Ownership",
            bucket=self.bucket.id,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        versioning = S3BucketVersioningA(
            self,
            "Versioning",
            bucket=self.bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        self._encrypt()
        self._expire(retention or Retention(), versioning)
        self._document = PolicyDocument(*self._deny_statements())
        self.policy = S3BucketPolicy(
            self, "Policy", bucket=self.bucket.id, policy=self._document.to_json()
        )
        self._document.attach(self.policy)
        if access_log and context.access_logs:
            S3BucketLoggingA(
                self,
                "AccessLog",
                bucket=self.bucket.id,
                target_bucket=context.access_logs.bucket.id,
                target_prefix=f"{kind}/",
                depends_on=[context.access_logs.policy],
            )
        if notification:
            self._notify(notification)
        else:
            suppress(
                self.bucket,
                since="2026-11",
                reasons={"CKV2_AWS_62": "No consumer requires event notifications"},
            )

    def allow(self, *statements: Statement) -> None:
        """Add statements to the bucket policy."""
        self._document.add(*statements)

    def allow_service_to_write(
        self,
        principal: str,
        *,
        sid: str,
        prefix: str = "",
        check_sid: str = "",
        bucket_actions: tuple[str, ...] = (),
        conditions: Conditions,
    ) -> None:
        """Let an AWS service put objects under `prefix`.

        `bucket_actions` are the actions on the bucket itself by which the service checks it before
        delivery; `check_sid` is the id of their statement.
        """
        if bucket_actions:
            self.allow(
                Statement(
                    sid=check_sid or f"{sid}Check",
                    principals=service(principal),
                    actions=bucket_actions,
                    resources=(self.arn,),
                    conditions=conditions,
                )
            )
        self.allow(
            Statement(
                sid=sid,
                principals=service(principal),
                actions=("s3:PutObject",),
                resources=(f"{self.arn}/{prefix}*",),
                conditions=conditions,
            )
        )

    def require_mfa_for_deletion(self) -> None:
        """Deny deletion without an MFA sign-in within the last hour.

        S3's own MFA delete requires the root user and prevents Terraform from emptying the bucket.
        A bucket policy does not apply to lifecycle rules, so objects still expire.
        """
        deletion = ("s3:DeleteObject", "s3:DeleteObjectVersion")
        for sid, conditions in (
            ("DenyDeletionWithoutMfa", {"Null": {"aws:MultiFactorAuthAge": "true"}}),
            (
                "DenyDeletionWithOldMfa",
                {"NumericGreaterThan": {"aws:MultiFactorAuthAge": str(MFA_MAX_AGE_SECONDS)}},
            ),
        ):
            self.allow(self._deny(sid, deletion, conditions, objects_only=True))

    def _encrypt(self) -> None:
        default = S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
            sse_algorithm=self._algorithm, kms_master_key_id=self._key.arn if self._key else None
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            "Encryption",
            bucket=self.bucket.id,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=default,
                    # One data key for many objects: up to 99 % fewer KMS requests.
                    bucket_key_enabled=self._bucket_key,
                )
            ],
        )

    def _expire(self, retention: Retention, versioning: S3BucketVersioningA) -> None:
        everything = [S3BucketLifecycleConfigurationRuleFilter(prefix="")]
        rules = [
            S3BucketLifecycleConfigurationRule(
                id="versions-and-uploads",
                status="Enabled",
                filter=everything,
                noncurrent_version_expiration=[
                    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                        noncurrent_days=retention.noncurrent_version_days
                    )
                ],
                abort_incomplete_multipart_upload=[
                    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                        days_after_initiation=ABANDONED_UPLOAD_DAYS
                    )
                ],
            )
        ]
        if retention.infrequent_access_days:
            rules.append(
                S3BucketLifecycleConfigurationRule(
                    id="infrequent-access",
                    status="Enabled",
                    filter=everything,
                    transition=[
                        S3BucketLifecycleConfigurationRuleTransition(
                            days=retention.infrequent_access_days, storage_class="STANDARD_IA"
                        )
                    ],
                )
            )
        if retention.expiration_days:
            rules.append(
                S3BucketLifecycleConfigurationRule(
                    id="expiration",
                    status="Enabled",
                    filter=everything,
                    expiration=[
                        S3BucketLifecycleConfigurationRuleExpiration(days=retention.expiration_days)
                    ],
                )
            )
        rules += [
            S3BucketLifecycleConfigurationRule(
                id=f"{prefix.strip('/')}-expiration",
                status="Enabled",
                filter=[S3BucketLifecycleConfigurationRuleFilter(prefix=prefix)],
                expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=days)],
            )
            for prefix, days in retention.prefix_expiration_days.items()
        ]
        S3BucketLifecycleConfiguration(
            self, "Lifecycle", bucket=self.bucket.id, rule=rules, depends_on=[versioning]
        )

    def _notify(self, notification: EventNotification) -> None:
        queue = notification.queue
        queue.allow_bucket(self.arn)
        S3BucketNotification(
            self,
            "Notification",
            bucket=self.bucket.id,
            queue=[
                S3BucketNotificationQueue(
                    id="created",
                    queue_arn=queue.arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=notification.prefix or None,
                )
            ],
            # S3 sends a test event when the notification is created.
            depends_on=[queue.policy],
        )

    @property
    def _algorithm(self) -> Literal["aws:kms", "AES256"]:
        return "aws:kms" if self._key else "AES256"

    def _deny_statements(self) -> list[Statement]:
        header = "s3:x-amz-server-side-encryption"
        put = ("s3:PutObject",)
        other: dict[str, str] = {header: self._algorithm}
        if self._encrypting_service:
            other["aws:PrincipalServiceName"] = f"{self._encrypting_service}.amazonaws.com"
        statements = [
            self._deny("DenyPlainHttp", ("s3:*",), {"Bool": {"aws:SecureTransport": "false"}}),
            self._deny("DenyOldTls", ("s3:*",), {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
            # A request without the header uses the encryption of the bucket. StringNotEquals is
            # also true if the key is missing, hence the Null condition.
            self._deny(
                "DenyOtherEncryption",
                put,
                {"StringNotEquals": other, "Null": {header: "false"}},
                objects_only=True,
            ),
            self._deny(
                "DenyCustomerProvidedKeys",
                put,
                {"Null": {f"{header}-customer-algorithm": "false"}},
                objects_only=True,
            ),
        ]
        if self._key:
            statements.append(
                self._deny(
                    "DenyOtherKeys",
                    put,
                    {
                        "StringNotEquals": {f"{header}-aws-kms-key-id": self._key.arn},
                        "Null": {f"{header}-aws-kms-key-id": "false"},
                    },
                    objects_only=True,
                )
            )
        return statements

    def _deny(
        self,
        sid: str,
        actions: tuple[str, ...],
        conditions: Conditions,
        *,
        objects_only: bool = False,
    ) -> Statement:
        objects = f"{self.arn}/*"
        return Statement(
            sid=sid,
            effect="Deny",
            principals="*",
            actions=actions,
            resources=(objects,) if objects_only else (self.arn, objects),
            conditions=conditions,
        )
