"""Roles that AWS services assume."""

from __future__ import annotations

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.context import Foundation
from lib.iam_policy import Statement, document, service


class ServiceRole(Construct):
    """Creates an IAM role that one AWS service of this account assumes; it may do what is granted.

    Starts with no permission but the region restriction. `guard_deputy` lets the service assume it
    only on behalf of this account; RDS and AWS Config document that they send that condition key,
    Lambda and CloudTrail do not, and with it could not assume their role at all.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        kind: str,
        assumed_by: str,
        description: str,
        managed_policy: str | None = None,
        guard_deputy: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        settings, account = foundation.settings, foundation.account
        self._settings, self._kind = settings, kind
        self._statements: list[Statement] = []
        self._policy: IamRolePolicy | None = None
        # STS has no resource to name in a trust policy.
        trust = Statement(
            sid="Assume",
            principals=service(assumed_by),
            actions=("sts:AssumeRole",),
            resources=(),
            conditions={"StringEquals": {"aws:SourceAccount": account.id}} if guard_deputy else {},
        )
        self.role = IamRole(
            self,
            "Resource",
            name=settings.name(kind),
            description=description,
            assume_role_policy=document(trust),
            tags=settings.name_tag(kind),
        )
        self.arn = self.role.arn
        # What needs the role waits for these, as a role without its permissions may be refused.
        self.permissions: list[ITerraformDependable] = [
            IamRolePolicyAttachment(
                self, "Region", role=self.role.name, policy_arn=foundation.restriction.policy.arn
            )
        ]
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
        """Add statements to the role's own policy."""
        self._statements.extend(statements)
        if self._policy is None:
            self._policy = IamRolePolicy(
                self,
                "Policy",
                name=self._settings.name(f"{self._kind}-policy"),
                role=self.role.name,
                policy=document(*self._statements),
            )
            self.permissions.append(self._policy)
        else:
            self._policy.policy = document(*self._statements)
