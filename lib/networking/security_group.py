"""Security groups that have only the rules that constructs add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.security_group import SecurityGroup as AwsSecurityGroup
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.context import Context
from lib.suppressions import suppress

SSH, HTTP, HTTPS = 22, 80, 443
ANY_IPV4 = "0.0.0.0/0"
# Checks of checkov that a port is not open to all addresses.
CHECKED_PORTS = {SSH: "CKV_AWS_24", HTTP: "CKV_AWS_260"}


class SecurityGroup(Construct):
    """Creates a security group without rules, which allows no ingress and no egress.

    Each method adds rules for one TCP port. Prefer `allow_to_group` and `allow_to_prefix_list`: use
    addresses only for peers that have no security group. `purpose` is the description of the group
    or the rule; another description replaces the group.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        vpc: Vpc,
        kind: str,
        purpose: str,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._kind = context, kind
        self.group = AwsSecurityGroup(
            self,
            "Resource",
            name=context.name(kind),
            description=purpose,
            vpc_id=vpc.id,
            tags=context.name_tag(kind),
            depends_on=depends_on or None,
        )
        self.id = self.group.id

    def allow_to_group(self, target: SecurityGroup, port: int, purpose: str) -> None:
        """Allow egress to a port of another group, and the ingress there."""
        self._egress(f"To{target.node.id}{port}", port, purpose, group_id=target.id)
        target._ingress(f"From{self.node.id}{port}", port, purpose, group_id=self.id)

    def allow_from_group(self, source: SecurityGroup, port: int, purpose: str) -> None:
        """Allow ingress from another group, whose egress rules allow addresses."""
        self._ingress(f"From{source.node.id}{port}", port, purpose, group_id=source.id)

    def allow_to_prefix_list(self, prefix_list_id: str, port: int, purpose: str) -> None:
        """Allow egress to a port of the service of a gateway endpoint."""
        self._egress(f"ToPrefixList{port}", port, purpose, prefix_list_id=prefix_list_id)

    def allow_to_network(self, cidr: str, port: int, purpose: str) -> None:
        """Allow egress to a port of the addresses of `cidr`."""
        self._egress(f"To{_identifier(cidr)}Port{port}", port, purpose, cidr=cidr)

    def allow_from_network(self, cidr: str, port: int, purpose: str) -> None:
        """Allow ingress from the addresses of `cidr`."""
        self._ingress(f"From{_identifier(cidr)}Port{port}", port, purpose, cidr=cidr)

    def allow_to_internet(self, port: int, purpose: str) -> None:
        """Allow egress to a port of all addresses; the routes of the subnets limit them."""
        self._egress(f"ToInternet{port}", port, purpose, cidr=ANY_IPV4)

    def allow_from_internet(self, port: int, purpose: str, *, reason: str) -> None:
        """Allow ingress from all addresses; `reason` suppresses the rule `restrict_ingress`."""
        rule = self._ingress(f"FromInternet{port}", port, purpose, cidr=ANY_IPV4)
        suppress(rule, since="2026-11", reasons={"restrict_ingress": reason})
        if port == HTTP:
            suppress(rule, since="2026-11", reasons={"CKV_AWS_260": reason})

    def _egress(
        self,
        id_: str,
        port: int,
        purpose: str,
        *,
        group_id: str | None = None,
        prefix_list_id: str | None = None,
        cidr: str | None = None,
    ) -> None:
        VpcSecurityGroupEgressRule(
            self,
            id_,
            **self._rule_arguments(port, purpose, "egress", group_id, cidr),
            prefix_list_id=prefix_list_id,
        )

    def _ingress(
        self,
        id_: str,
        port: int,
        purpose: str,
        *,
        group_id: str | None = None,
        cidr: str | None = None,
    ) -> VpcSecurityGroupIngressRule:
        rule = VpcSecurityGroupIngressRule(
            self,
            id_,
            **self._rule_arguments(port, purpose, "ingress", group_id, cidr),
        )
        if group_id and port in CHECKED_PORTS:
            # checkov reads the argument of the group only in the older resource type, and reports
            # this rule as open to all addresses.
            suppress(
                rule,
                since="2026-11",
                reasons={CHECKED_PORTS[port]: "Allows one security group and no addresses"},
            )
        return rule

    def _rule_arguments(
        self, port: int, purpose: str, direction: str, group_id: str | None, cidr: str | None
    ) -> dict[str, Any]:
        """The arguments that ingress and egress rules share."""
        return {
            "security_group_id": self.id,
            "ip_protocol": "tcp",
            "from_port": port,
            "to_port": port,
            "description": purpose,
            "tags": self._context.name_tag(f"{self._kind}-{direction}"),
            "referenced_security_group_id": group_id,
            "cidr_ipv4": cidr,
        }


def _identifier(cidr: str) -> str:
    return cidr.replace(".", "-").replace("/", "-")
