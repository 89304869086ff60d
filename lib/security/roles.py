"""IAM roles that AWS services assume."""

from __future__ import annotations

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement, document, service
from lib.security.policy_document import PolicyDocument


class ServiceRole(Construct):
    """Creates an IAM role that one AWS service of the account assumes.

    The role has no permissions except those of `managed_policy` and those that `grant` adds; the
    Region restriction of the context is attached. `require_source_account` lets the service assume
    the role only for resources of this account. RDS and AWS Config document that they send that
    condition key; Lambda and CloudTrail do not send it and could not assume the role.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        assumed_by: str,
        description: str,
        managed_policy: str | None = None,
        require_source_account: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._kind = context, kind
        self._document = PolicyDocument()
        self._policy: IamRolePolicy | None = None
        account = context.account
        # A trust policy has no resources.
        trust = Statement(
            sid="Assume",
            principals=service(assumed_by),
            actions=("sts:AssumeRole",),
            resources=(),
            conditions=(
                {"StringEquals": {"aws:SourceAccount": account.id}}
                if require_source_account
                else {}
            ),
        )
        self.role = IamRole(
            self,
            "Resource",
            name=context.name(kind),
            description=description,
            assume_role_policy=document(trust),
            tags=context.name_tag(kind),
        )
        self.arn = self.role.arn
        # Dependents of the role depend on these: a role without its permissions may be rejected.
        self.permissions: list[ITerraformDependable] = []
        if context.region_restriction:
            self.permissions.append(
                IamRolePolicyAttachment(
                    self,
                    "Region",
                    role=self.role.name,
                    policy_arn=context.region_restriction.policy.arn,
                )
            )
        if managed_policy:
            self.permissions.append(
                IamRolePolicyAttachment(
                    self,
                    "Managed",
                    role=self.role.name,
                    policy_arn=account.managed_policy_arn(managed_policy),
                )
            )

    def grant(self, *statements: Statement) -> None:
        """Add statements to the inline policy of the role."""
        self._document.add(*statements)
        if self._policy is None:
            self._policy = IamRolePolicy(
                self,
                "Policy",
                name=self._context.name(f"{self._kind}-policy"),
                role=self.role.name,
                policy=self._document.to_json(),
            )
            self._document.attach(self._policy)
            self.permissions.append(self._policy)
