"""Network ACLs of the subnets of a VPC, and the default network ACL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.default_network_acl import DefaultNetworkAcl
from cdktf_cdktf_provider_aws.network_acl import (
    NetworkAcl,
    NetworkAclEgress,
    NetworkAclIngress,
)
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct

from lib.context import Context
from lib.networking.security_group import ANY_IPV4, HTTPS
from lib.suppressions import suppress

# Network ACLs are stateless: replies arrive at the port from which a NAT gateway, a load balancer,
# a function or an instance has sent the request.
# https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports
REPLY_PORTS = (1024, 65535)
# AWS returns the protocols as numbers; with other texts a changed rule would show all rules.
TCP, ICMP, ALL_PROTOCOLS = "6", "1", "-1"
# Destination unreachable: fragmentation needed. Path MTU discovery requires it.
PACKET_TOO_BIG = (3, 4)


@dataclass(frozen=True)
class AclRule:
    """A rule that allows a protocol and a range of ports to or from the addresses of `cidr`.

    `icmp` is a type and a code, for the protocol ICMP.
    """

    cidr: str
    protocol: str = ALL_PROTOCOLS
    ports: tuple[int, int] = (0, 0)
    icmp: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class TierTraffic:
    """What the network ACL of a tier of subnets allows besides all traffic within the VPC.

    `internet`: to all addresses, and their replies; `https`: the same to port 443 only, for a
    gateway endpoint of S3, whose addresses are public. `ingress` are TCP ports and the networks
    that may connect to them.
    """

    internet: bool = False
    https: bool = False
    ingress: Sequence[tuple[int, str]] = ()

    def ingress_rules(self, vpc_cidr: str) -> list[AclRule]:
        """The rules for incoming packets."""
        rules = [AclRule(vpc_cidr)]
        if self.internet or self.https:
            rules += [
                AclRule(ANY_IPV4, TCP, REPLY_PORTS),
                AclRule(ANY_IPV4, ICMP, icmp=PACKET_TOO_BIG),
            ]
        return rules + [AclRule(cidr, TCP, (port, port)) for port, cidr in self.ingress]

    def egress_rules(self, vpc_cidr: str) -> list[AclRule]:
        """The rules for outgoing packets."""
        if self.internet:
            return [AclRule(ANY_IPV4)]
        https = [AclRule(ANY_IPV4, TCP, (HTTPS, HTTPS))] if self.https else []
        return [AclRule(vpc_cidr), *https]


class NetworkAcls(Construct):
    """Creates a network ACL for each tier of subnets and removes the rules of the default one.

    AWS associates a subnet with the default network ACL until another one is associated. The rules
    of an ACL exist before its subnets are associated, and the rules of the default ACL are removed
    after that, so that a deployment without these ACLs is not interrupted.

    Guarantee: a subnet that is not associated with an ACL of this construct has no traffic.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        vpc: Vpc,
        cidr: str,
        subnets: Mapping[str, Sequence[Subnet]],
        traffic: Mapping[str, TierTraffic],
    ) -> None:
        super().__init__(scope, id_)
        acls = []
        for tier, members in subnets.items():
            if not members:
                continue
            ingress = traffic[tier].ingress_rules(cidr)
            egress = traffic[tier].egress_rules(cidr)
            acl = NetworkAcl(
                self,
                tier.title(),
                vpc_id=vpc.id,
                subnet_ids=[subnet.id for subnet in members],
                ingress=[
                    NetworkAclIngress(**_arguments(number, rule))
                    for number, rule in enumerate(ingress, start=1)
                ],
                egress=[
                    NetworkAclEgress(**_arguments(number, rule))
                    for number, rule in enumerate(egress, start=1)
                ],
                tags=context.name_tag(f"{tier}-network-acl"),
            )
            suppress(
                acl,
                since="2026-11",
                reasons={
                    "AwsSolutions-VPC3": "It denies what no tier uses; security groups decide"
                },
            )
            if any(rule.ports == REPLY_PORTS for rule in ingress):
                suppress(
                    acl,
                    since="2026-11",
                    reasons={
                        "CKV_AWS_231": "Replies arrive at the ports from 1024; security groups"
                        " allow no connection to 3389"
                    },
                )
            acls.append(acl)
        DefaultNetworkAcl(
            self,
            "Default",
            default_network_acl_id=vpc.default_network_acl_id,
            tags=context.name_tag("default-network-acl"),
            depends_on=acls,
        )


def _arguments(number: int, rule: AclRule) -> dict[str, Any]:
    return {
        "rule_no": number * 100,
        "action": "allow",
        "protocol": rule.protocol,
        "cidr_block": rule.cidr,
        "from_port": rule.ports[0],
        "to_port": rule.ports[1],
        **({"icmp_type": rule.icmp[0], "icmp_code": rule.icmp[1]} if rule.icmp else {}),
    }
