"""Rules about VPCs: their address ranges and network ACLs."""

from __future__ import annotations

from lib import cidr
from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, listed

# Ports to which clients on the internet may connect; replies go to the ports from 1024.
PUBLIC_PORTS = (80, 443)
FIRST_REPLY_PORT = 1024
SSH_PORT = 22


@rule(
    why="Hosts do not accept the addresses, or AWS rejects the VPC during the apply",
    remedy="Use a private range such as 10.0.0.0/16",
    # Information input validation.
    controls=Controls(nist=("SI-10",)),
    suppressible=False,
)
def assignable_vpc_ranges(template: Template) -> Violations:
    """VPCs have no addresses in reserved ranges."""
    for type_ in ("aws_vpc", "aws_vpc_ipv4_cidr_block_association"):
        for resource in template.resources(type_):
            block = str(resource.get("cidr_block"))
            if reserved := cidr.reserved_range(block):
                yield f"{resource}: {block} is in the reserved range {reserved}"


@rule(
    why="The default network ACL allows all traffic to every subnet that no other ACL is for",
    remedy="Create subnets with Network, and pass connections from outside the VPC as ingress",
    enforced_by=("lib.networking.network_acls.NetworkAcls",),
    controls=Controls(nist=("AC-4(21)", "SC-7", "SC-7(5)")),
)
def restrict_network_acls(template: Template) -> Violations:
    """Default network ACLs have no rules; those of subnets allow single ports to the internet."""
    closed = set()
    for default in template.resources("aws_default_network_acl"):
        for argument in ("ingress", "egress"):
            if default.get(argument):
                yield f"{default}: {argument} rules"
        closed.add(default.get("default_network_acl_id"))
    for vpc in template.resources("aws_vpc"):
        if vpc.ref("default_network_acl_id") not in closed:
            yield f"{vpc}: its default network ACL allows all traffic"
    associated = {
        subnet
        for acl in template.resources("aws_network_acl")
        for subnet in listed(acl.get("subnet_ids"))
    }
    for subnet in template.resources("aws_subnet"):
        if subnet.ref("id") not in associated:
            yield f"{subnet}: has no network ACL of its own"
    for acl in template.resources("aws_network_acl"):
        yield from _open_entries(acl)


def _open_entries(acl: Resource) -> Violations:
    """Entries that let the internet connect to other ports than those of web servers."""
    entries = [one for one in listed(acl.get("ingress")) if one.get("action") == "allow"]
    ssh = [one["cidr_block"] for one in entries if one["from_port"] == SSH_PORT]
    for entry in entries:
        block, ports = entry["cidr_block"], (entry["from_port"], entry["to_port"])
        limited = entry["protocol"] in ("icmp", "1") or (
            entry["protocol"] in ("tcp", "6")
            and (
                ports[0] >= FIRST_REPLY_PORT or (ports[0] == ports[1] and ports[0] in PUBLIC_PORTS)
            )
        )
        widest = cidr.WIDEST_SSH_PREFIX if ports[0] == SSH_PORT else cidr.WIDEST_PREFIX
        peers = ssh if ports[0] == SSH_PORT else [block]
        if not limited and block in cidr.public_ranges(peers, widest):
            yield f"{acl}: allows ingress from {block} to the ports {ports[0]} to {ports[1]}"
