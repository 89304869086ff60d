"""Buckets that refuse everything they should."""

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

from lib.account import Account
from lib.iam_policy import Conditions, Statement, document, service
from lib.messaging.queue import Queue
from lib.security.key import EncryptionKey, ExistingKey
from lib.settings import Settings
from lib.suppressions import suppress

ABANDONED_UPLOAD_DAYS = 7
MFA_MAX_AGE_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a bucket keeps things, in days; None means for good.

    `prefix_expiration_days` is for what lies under a prefix (`incoming/`).
    """

    expiration_days: int | None = None
    infrequent_access_days: int | None = None
    noncurrent_version_days: int
    prefix_expiration_days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_logs(cls, settings: Settings) -> Retention:
        """As long as the settings keep logs."""
        return cls(
            expiration_days=settings.storage.log_expiration_days,
            noncurrent_version_days=settings.storage.noncurrent_version_days,
        )


@dataclass(frozen=True, kw_only=True)
class Notification:
    """News of each object created under `prefix`, sent to a queue.

    Whatever the queue's consumer writes under that prefix would come back to it for ever.
    """

    queue: Queue
    prefix: str


class SecureBucket(Construct):
    """Creates an S3 bucket, private and versioned, with its policy, lifecycle and access log.

    Guarantee: nothing enters over plain HTTP or TLS under 1.2, nothing is stored unencrypted or under
    another key than the bucket's, no ACL counts, and nobody deletes without a fresh MFA sign-in
    once `require_mfa_for_deletion()` was called. Terraform removes the policy before it empties
    the bucket, so the bucket stays destroyable.

    The name ends in the account's number after the suffix, as names are global to all of S3.
    `key=None` means SSE-S3. `bucket_key=False` is for services that tie their use of the key to an
    encryption context of their own, which a bucket key replaces. `own_encryption` names a service
    that chooses the encryption of what it writes.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        account: Account,
        kind: str,
        key: EncryptionKey | ExistingKey | None,
        retention: Retention,
        access_logs: SecureBucket | None = None,
        notify: Notification | None = None,
        name: str | None = None,
        bucket_key: bool = True,
        own_encryption: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._account, self._key = account, key
        self._bucket_key = bucket_key and key is not None
        self._own_encryption = own_encryption
        self.bucket = S3Bucket(
            self,
            "Resource",
            bucket=name or f"{settings.name(kind)}-{account.id}",
            force_destroy=True,
            tags=settings.name_tag(kind),
        )
        suppress(
            self.bucket,
            since="2026-11",
            reasons={"CKV_AWS_144": "One Region by requirement; versions protect what is kept"},
        )
        if key is None:
            suppress(
                self.bucket,
                since="2026-11",
                reasons={"CKV_AWS_145": "SSE-S3, as no key was chosen for this bucket"},
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
        self._expire(retention, versioning)
        self._statements = self._refusals()
        self.policy = S3BucketPolicy(
            self, "Policy", bucket=self.bucket.id, policy=document(*self._statements)
        )
        if access_logs:
            S3BucketLoggingA(
                self,
                "AccessLog",
                bucket=self.bucket.id,
                target_bucket=access_logs.bucket.id,
                target_prefix=f"{kind}/",
                depends_on=[access_logs.policy],
            )

        if notify:
            self._notify(notify)
        else:
            suppress(
                self.bucket,
                since="2026-11",
                reasons={"CKV2_AWS_62": "Nobody waits for news of its objects"},
            )

    def allow(self, *statements: Statement) -> None:
        """Add statements to the bucket's policy."""
        self._statements.extend(statements)
        self.policy.policy = document(*self._statements)

    def allow_service_to_write(
        self,
        sid: str,
        principal: str,
        *,
        prefix: str = "",
        look: tuple[str, ...] = (),
        conditions: Conditions,
    ) -> None:
        """Let an AWS service put objects under `prefix`, and `look` (bucket actions) before it."""
        if look:
            self.allow(
                Statement(
                    sid=f"{sid}Looks",
                    principals=service(principal),
                    actions=look,
                    resources=(self.arn,),
                    conditions=conditions,
                )
            )
        self.allow(
            Statement(
                sid=f"{sid}Writes",
                principals=service(principal),
                actions=("s3:PutObject",),
                resources=(f"{self.arn}/{prefix}*",),
                conditions=conditions,
            )
        )

    def require_mfa_for_deletion(self) -> None:
        """Refuse deletion to whoever did not sign in with MFA within the last hour.

        S3's own MFA delete needs the root user and would keep Terraform from emptying the bucket;
        lifecycle rules are not bound by a bucket policy and go on expiring objects.
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
                    # One data key for many objects: up to 99 % fewer calls to KMS.
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

    def _notify(self, notify: Notification) -> None:
        queue = notify.queue
        queue.allow(
            Statement(
                sid="BucketSends",
                principals=service("s3"),
                actions=("sqs:SendMessage",),
                resources=(queue.arn,),
                conditions={
                    "StringEquals": {"aws:SourceAccount": self._account.id},
                    "ArnLike": {"aws:SourceArn": self.arn},
                },
            )
        )
        S3BucketNotification(
            self,
            "Notification",
            bucket=self.bucket.id,
            queue=[
                S3BucketNotificationQueue(
                    id="created",
                    queue_arn=queue.arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=notify.prefix,
                )
            ],
            # S3 tries the queue while this is made.
            depends_on=[queue.policy],
        )

    @property
    def _algorithm(self) -> Literal["aws:kms", "AES256"]:
        return "aws:kms" if self._key else "AES256"

    def _refusals(self) -> list[Statement]:
        header = "s3:x-amz-server-side-encryption"
        put = ("s3:PutObject",)
        other: dict[str, str] = {header: self._algorithm}
        if self._own_encryption:
            other["aws:PrincipalServiceName"] = f"{self._own_encryption}.amazonaws.com"
        refusals = [
            self._deny("DenyPlainHttp", ("s3:*",), {"Bool": {"aws:SecureTransport": "false"}}),
            self._deny("DenyOldTls", ("s3:*",), {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
            # A write that names no encryption gets the bucket's; one that names another is refused.
            # StringNotEquals holds for a missing key too, hence the Null test beside it.
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
            refusals.append(
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
        return refusals

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
