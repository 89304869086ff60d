"""Rules about who can reach what, and what can reach whom."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from lib import cidr
from lib.rules.registry import Controls, Violations, rule
from lib.template import (
    Resource,
    Template,
    arguments_of,
    belonging,
    buckets,
    listed,
    some,
    strings,
)

# What looks like a CIDR block in a text.
CIDR = re.compile(r"(?<![0-9A-Za-z.:])[0-9A-Fa-f.:]+/[0-9]{1,3}(?![0-9])")
WEB_PORTS = (80, 443)
PUBLIC_TYPES = (
    *("aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_s3_bucket_acl"),
    *("aws_s3_bucket_website_configuration", "aws_lambda_function_url"),
)
# What may name a public subnet: what leads traffic in or out, and what the network is made of.
AT_HOME_IN_PUBLIC = ("aws_nat_gateway", "aws_lb", "aws_route_table_association")
TIER = re.compile(r"(public|private|isolated)-subnet-[0-9]+-")


@rule(
    why="What has a public address or policy is found and tried within minutes",
    remedy="Put it into a private or isolated subnet, block public access, and set"
    " publicly_accessible to false; if the public is whom it is for, suppress it beside the resource",
    enforced_by=(
        *(
            "lib.networking.network.Network",
            "lib.storage.bucket.SecureBucket",
            "lib.database.AuroraCluster",
        ),
        *(
            "lib.database.PostgresInstance",
            "lib.compute.fleet.Fleet",
            "lib.data_processing.data_processing.DataProcessing",
        ),
    ),
    controls=Controls(
        cis=("2.1.4", "2.3.3"),
        fsbp=(
            *("AutoScaling.5", "EC2.9", "EC2.15", "EC2.25"),
            *("RDS.2", "S3.2", "S3.3", "S3.8"),
        ),
        nist=("AC-3", "AC-4", "AC-6", "AC-21", "SC-7", "SC-7(3)", "SC-7(4)", "SC-7(21)"),
    ),
)
def no_public_access(template: Template) -> Violations:
    """Nothing has a public address or policy."""
    blocks = (
        *("block_public_acls", "block_public_policy"),
        *("ignore_public_acls", "restrict_public_buckets"),
    )
    for bucket in buckets(template):
        own = belonging(template, bucket, "aws_s3_bucket_public_access_block")
        if [[block.get(name) for name in blocks] for block in own] != [[True] * 4]:
            yield f"{bucket}: public access is not blocked"
    for resource in template.resources():
        if resource.type in PUBLIC_TYPES:
            yield f"{resource}: a way to the public"
        # Newer bindings know it at clusters too, where Aurora leaves it to the instances.
        unsaid = False if resource.type == "aws_rds_cluster" else None
        if "publicly_accessible" in arguments_of(resource.type) and (
            resource.get("publicly_accessible", unsaid) is not False
        ):
            yield f"{resource}: publicly_accessible is not false"
        if resource.type == "aws_lb" and resource.get("internal") is not True:
            yield f"{resource}: faces the internet"
        for argument in ("map_public_ip_on_launch", "associate_public_ip_address"):
            if resource.get(argument):
                yield f"{resource}: {argument}"
        for interface in listed(resource.get("network_interfaces")):
            # Unsaid, the subnet decides, and somebody may move the instances to another one.
            if interface.get("associate_public_ip_address") not in (False, "false"):
                yield f"{resource}: associate_public_ip_address is not false"
    yield from _beside_the_gateways(template)


def _tiers(template: Template) -> dict[str, str]:
    """The tier of each subnet, by the subnet's id as others refer to it."""
    found = {}
    for subnet in some(template, "aws_subnet"):
        tier = TIER.search(subnet.get("tags", {}).get("Name", ""))
        found[subnet.ref("id")] = tier[1] if tier else "unnamed"
    return found


def _beside_the_gateways(template: Template) -> Violations:
    """What else stands in a public subnet."""
    public = {subnet for subnet, tier in _tiers(template).items() if tier == "public"}
    for resource in template.resources():
        internal = resource.type == "aws_lb" and resource.get("internal") is True
        if resource.type in AT_HOME_IN_PUBLIC and not internal:
            continue
        for argument, value in strings(resource.body):
            if any(subnet in value for subnet in public):
                yield f"{resource}: {argument} is a public subnet"


def _public_ranges(template: Template, type_: str) -> Mapping[str, set[str]]:
    """The public ranges in the rules of a type, by the security group that the rules belong to.

    The rules of a group are regarded together, as two of them can be public only together.
    """
    ranges = defaultdict(list)
    for one in some(template, type_):
        ranges[str(one.get("security_group_id"))].extend(_addresses(one))
    return {group: {*cidr.public_ranges(cidrs)} for group, cidrs in ranges.items()}


def _addresses(rule: Resource) -> list[str]:
    return [rule[name] for name in ("cidr_ipv4", "cidr_ipv6") if rule.get(name)]


@rule(
    why="A port that everyone reaches is tried by everyone; a range of ports hides the one meant",
    remedy="Open one port to a security group or to a network of your own: allow_from_group(),"
    " allow_from_network(); a way in from the internet is allow_from_internet(reason=...)",
    enforced_by=("lib.networking.security_group.SecurityGroup", "lib.networking.network.Network"),
    controls=Controls(
        cis=("5.2", "5.3", "5.4"),
        fsbp=("EC2.2", "EC2.18", "EC2.19"),
        nist=("AC-4", "AC-4(21)", "CM-7", "SC-7", "SC-7(4)", "SC-7(5)", "SC-7(21)"),
    ),
)
def restrict_ingress(template: Template) -> Violations:
    """Security groups open single ports, to peers that are named."""
    public = _public_ranges(template, "aws_vpc_security_group_ingress_rule")
    for resource in template.resources():
        if resource.type in ("aws_security_group", "aws_default_security_group"):
            for argument in {"ingress", "egress"} & set(resource.body):
                yield f"{resource}: {argument} rules inside the group"
        if resource.type in ("aws_security_group_rule", "aws_network_acl_rule"):
            yield f"{resource}: no kind of rule that is looked through here"
        if resource.type != "aws_vpc_security_group_ingress_rule":
            continue
        for one in _addresses(resource):
            if one in public[str(resource.get("security_group_id"))]:
                yield f"{resource}: lets {one} in"
        if not _names_a_peer(resource):
            yield f"{resource}: names nobody it lets in"
        if not _names_a_port(resource):
            yield f"{resource}: {resource.get('ip_protocol')} opens more than a port"


def _names_a_peer(rule: Resource) -> bool:
    return bool(_addresses(rule)) or bool(
        {"referenced_security_group_id", "prefix_list_id"} & set(rule.body)
    )


def _names_a_port(rule: Resource) -> bool:
    port = rule.get("from_port")
    return rule.get("ip_protocol") == "tcp" and port is not None and port == rule.get("to_port")


@rule(
    why="What is broken into sends away what it holds by any way out",
    remedy="Name the security group, network or prefix list that it leads to, and one port;"
    " only public and private subnets have a route to everywhere",
    enforced_by=("lib.networking.security_group.SecurityGroup", "lib.networking.network.Network"),
    controls=Controls(nist=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)", "SC-7(11)")),
)
def restrict_egress(template: Template) -> Violations:
    """Security groups and routes lead to known places only."""
    gateways = {one.ref("id") for one in some(template, "aws_internet_gateway")}
    public = _public_ranges(template, "aws_vpc_security_group_egress_rule")
    for resource in template.resources():
        if resource.type == "aws_vpc_security_group_egress_rule":
            wide = [
                one
                for one in _addresses(resource)
                if one in public[str(resource.get("security_group_id"))]
            ]
            to_the_web = _names_a_port(resource) and resource["to_port"] in WEB_PORTS
            if wide and not (to_the_web and gateways):
                yield f"{resource}: leads to {wide[0]}"
            if not _names_a_peer(resource):
                yield f"{resource}: names nobody it leads to"
            if not _names_a_port(resource):
                yield f"{resource}: {resource.get('ip_protocol')} opens more than a port"
        elif resource.type == "aws_route":
            yield from _astray(template, resource, gateways)
        elif resource.type != "aws_vpc_security_group_ingress_rule":
            for argument, value in strings(resource.body):
                if any(map(cidr.is_public_range, CIDR.findall(value))):
                    yield f"{resource}: {argument} {value!r}"


def _destinations(route: Resource) -> list[str]:
    names = ("destination_cidr_block", "destination_ipv6_cidr_block")
    return [route[name] for name in names if route.get(name)]


def _astray(template: Template, route: Resource, gateways: set[str]) -> Violations:
    """A route to everywhere that does not lead its own tier of subnets out."""
    table = route.get("route_table_id")
    routes = [one for one in some(template, "aws_route") if one.get("route_table_id") == table]
    public = cidr.public_ranges(one for other in routes for one in _destinations(other))
    if not {*public} & {*_destinations(route)}:
        return
    tiers = _tiers(template)
    served = {
        tiers.get(association["subnet_id"], "unknown")
        for association in some(template, "aws_route_table_association")
        if association["route_table_id"] == route.get("route_table_id")
    }
    translators = {one.ref("id") for one in some(template, "aws_nat_gateway")}
    if route.get("gateway_id") in gateways and served == {"public"}:
        return
    if route.get("nat_gateway_id") in translators and served == {"private"}:
        return
    yield f"{route}: leads {sorted(served)} subnets everywhere"


@rule(
    why="By version 1 of the metadata service a forged request hands out the role's credentials",
    remedy="Set metadata_options with http_tokens='required'",
    enforced_by=("lib.compute.bastion.Bastion", "lib.compute.fleet.Fleet"),
    controls=Controls(
        cis=("5.6",),
        fsbp=("AutoScaling.3", "EC2.8", "EC2.170"),
        nist=("AC-3", "AC-3(7)", "AC-3(15)", "AC-6"),
    ),
)
def require_imdsv2(template: Template) -> Violations:
    """Instances answer no metadata request of version 1."""
    for resource in template.resources():
        if resource.type in ("aws_instance", "aws_launch_template"):
            options = (listed(resource.get("metadata_options")) or [{}])[0]
            if options.get("http_tokens") != "required":
                yield f"{resource}: metadata_options {options}"
        if resource.type == "aws_launch_configuration":
            yield f"{resource}: a launch template's forerunner"


@rule(
    why="A method without authorisation is open to whoever knows its address",
    remedy="Set authorization='AWS_IAM'",
    enforced_by=("lib.api.rest_api.Api",),
    controls=Controls(fsbp=("APIGateway.8",), nist=("AC-3", "CM-2", "CM-2(2)")),
)
def require_api_authorization(template: Template) -> Violations:
    """Every method of an API demands a signature."""
    for resource in template.resources():
        if resource.type == "aws_api_gateway_method":
            # A browser asks before it signs: OPTIONS says what may be asked, and no more.
            asks = resource["http_method"] == "OPTIONS"
            if resource.get("authorization") != "AWS_IAM" and not asks:
                yield f"{resource}: authorization {resource.get('authorization')!r}"
        if resource.type == "aws_apigatewayv2_route" and (
            resource.get("authorization_type") != "AWS_IAM"
        ):
            yield f"{resource}: authorization {resource.get('authorization_type')!r}"
    for integration in some(template, "aws_api_gateway_integration"):
        if integration["http_method"] == "OPTIONS" and integration["type"] != "MOCK":
            yield f"{integration}: OPTIONS reaches {integration.get('uri')!r} unsigned"
