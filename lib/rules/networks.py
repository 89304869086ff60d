"""Rules about VPCs: their address ranges and network ACLs."""

from __future__ import annotations

from lib import cidr
from lib.rules.registry import Controls, Violations, rule
from lib.template import Template


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
