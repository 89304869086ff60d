"""S3 Object Lock on the objects of a bucket."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.s3_bucket_object_lock_configuration import (
    S3BucketObjectLockConfigurationA,
    S3BucketObjectLockConfigurationRuleA,
    S3BucketObjectLockConfigurationRuleDefaultRetentionA,
)
from constructs import Construct

from lib.storage.bucket import SecureBucket


class ObjectLock(Construct):
    """Creates the Object Lock configuration of a bucket: a default retention in mode GOVERNANCE.

    Guarantee: for `days` days, no version of a new object can be deleted or overwritten without
    `s3:BypassGovernanceRetention`. `terraform destroy` bypasses the retention when it empties the
    bucket; in mode COMPLIANCE it could not.

    The configuration enables Object Lock on an existing bucket, which is not replaced. Object Lock
    cannot be disabled again: without this construct, new objects have no retention. S3 delivers no
    access logs and AWS Config no configurations to a bucket with Object Lock.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
    """

    def __init__(self, scope: Construct, id_: str, *, bucket: SecureBucket, days: int) -> None:
        super().__init__(scope, id_)
        S3BucketObjectLockConfigurationA(
            self,
            "Resource",
            bucket=bucket.bucket.id,
            object_lock_enabled="Enabled",
            rule=S3BucketObjectLockConfigurationRuleA(
                default_retention=S3BucketObjectLockConfigurationRuleDefaultRetentionA(
                    mode="GOVERNANCE", days=days
                )
            ),
            depends_on=[bucket.versioning],
        )
