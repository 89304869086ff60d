"""The role that deletes objects of buckets that require MFA for deletion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement, document

if TYPE_CHECKING:
    from lib.storage.bucket import SecureBucket

KIND = "deletion-role"
# The shortest maximum that IAM accepts; the bucket policies require MFA within the last hour.
SESSION_SECONDS = 3600


class DeletionRole(Construct):
    """Creates a break-glass role with which IAM users delete objects of buckets, after MFA.

    The bucket policies require the condition key `aws:MultiFactorAuthAge`, which only credentials
    of GetSessionToken or AssumeRole with an MFA device have. `users` are the ARNs of the IAM users
    that may assume the role, with a token of their device; users of IAM Identity Center and roles
    have no such device. The role may list the versions of `buckets`, delete them, and bypass the
    mode GOVERNANCE of Object Lock; nothing else.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        users: Sequence[str],
        buckets: Sequence[SecureBucket],
    ) -> None:
        super().__init__(scope, id_)
        trust = Statement(
            sid="AssumeWithMfa",
            principals={"AWS": [*users]},
            actions=("sts:AssumeRole",),
            resources=(),
            conditions={
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                "NumericLessThanEquals": {"aws:MultiFactorAuthAge": str(SESSION_SECONDS)},
            },
        )
        self.role = IamRole(
            self,
            "Resource",
            name=context.name(KIND),
            description="Deletes objects of buckets that require MFA for deletion",
            assume_role_policy=document(trust),
            max_session_duration=SESSION_SECONDS,
            tags=context.name_tag(KIND),
        )
        self.arn = self.role.arn
        if context.region_restriction:
            IamRolePolicyAttachment(
                self,
                "Region",
                role=self.role.name,
                policy_arn=context.region_restriction.policy.arn,
            )
        IamRolePolicy(
            self,
            "Policy",
            name=context.name(f"{KIND}-policy"),
            role=self.role.name,
            policy=document(
                Statement(
                    sid="ListVersions",
                    actions=("s3:ListBucket", "s3:ListBucketVersions"),
                    resources=tuple(one.arn for one in buckets),
                ),
                Statement(
                    sid="DeleteVersions",
                    actions=(
                        "s3:DeleteObject",
                        "s3:DeleteObjectVersion",
                        "s3:BypassGovernanceRetention",
                    ),
                    resources=tuple(f"{one.arn}/*" for one in buckets),
                ),
            ),
        )
