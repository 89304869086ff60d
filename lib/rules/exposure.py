"""Rules about network access, public addresses and authorization."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from lib import cidr
from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, arguments_of, listed, strings

# CIDR blocks in a text.
CIDR = re.compile(r"(?<![0-9A-Za-z.:])[0-9A-Fa-f.:]+/[0-9]{1,3}(?![0-9])")
WEB_PORTS = (80, 443)
INGRESS_RULE = "aws_vpc_security_group_ingress_rule"
EGRESS_RULE = "aws_vpc_security_group_egress_rule"
PUBLIC_TYPES = (
    *("aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_s3_bucket_acl"),
    *("aws_s3_bucket_website_configuration", "aws_lambda_function_url"),
)
PUBLIC_ACCESS_BLOCKS = (
    *("block_public_acls", "block_public_policy"),
    *("ignore_public_acls", "restrict_public_buckets"),
)
# Types that may refer to a public subnet.
TYPES_IN_PUBLIC_SUBNETS = ("aws_nat_gateway", "aws_lb", "aws_route_table_association")
TIER = re.compile(r"(public|private|isolated)-subnet-[0-9]+-")


@rule(
    why="Resources with a public address or policy are found and attacked within minutes",
    remedy="Use a private or isolated subnet, block public access, set publicly_accessible to"
    " false; suppress the rule for a resource that is meant to be public",
    enforced_by=(
        "lib.storage.bucket.SecureBucket",
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
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
    """No resource has a public address or policy."""
    for bucket in template.resources("aws_s3_bucket"):
        own = template.bucket_resources(bucket, "aws_s3_bucket_public_access_block")
        if [[block.get(name) for name in PUBLIC_ACCESS_BLOCKS] for block in own] != [[True] * 4]:
            yield f"{bucket}: public access is not blocked"
    for resource in template.resources():
        if resource.type in PUBLIC_TYPES:
            yield f"{resource}: is public"
        # Newer bindings have the argument at clusters too, where Aurora uses that of instances.
        default = False if resource.type == "aws_rds_cluster" else None
        if "publicly_accessible" in arguments_of(resource.type) and (
            resource.get("publicly_accessible", default) is not False
        ):
            yield f"{resource}: publicly_accessible is not false"
        if resource.type == "aws_lb" and resource.get("internal") is not True:
            yield f"{resource}: is an internet-facing load balancer"
        yield from _public_addresses(resource)
    yield from _in_public_subnets(template)


def _public_addresses(resource: Resource) -> Violations:
    for argument in ("map_public_ip_on_launch", "associate_public_ip_address"):
        if resource.get(argument):
            yield f"{resource}: {argument}"
    for interface in listed(resource.get("network_interfaces")):
        # The default is that of the subnet, which may change.
        if interface.get("associate_public_ip_address") not in (False, "false"):
            yield f"{resource}: associate_public_ip_address is not false"


def _tiers(template: Template) -> dict[str, str]:
    """The tier of each subnet, by the reference to its id."""
    found = {}
    for subnet in template.resources("aws_subnet"):
        tier = TIER.search(subnet.get("tags", {}).get("Name", ""))
        found[subnet.ref("id")] = tier[1] if tier else "unnamed"
    return found


def _in_public_subnets(template: Template) -> Violations:
    """Resources in public subnets that are neither gateways nor internet-facing."""
    public = {subnet for subnet, tier in _tiers(template).items() if tier == "public"}
    for resource in template.resources():
        internal = resource.type == "aws_lb" and resource.get("internal") is True
        if resource.type in TYPES_IN_PUBLIC_SUBNETS and not internal:
            continue
        for argument, value in strings(resource.body):
            if any(subnet in value for subnet in public):
                yield f"{resource}: {argument} is a public subnet"


def _addresses(resource: Resource) -> list[str]:
    return [resource[name] for name in ("cidr_ipv4", "cidr_ipv6") if resource.get(name)]


def _public_ranges(template: Template, type_: str) -> Mapping[str, set[str]]:
    """The public ranges in the rules of a type, by the security group that the rules belong to.

    The rules of a group are regarded together, as two of them can be public only together.
    """
    ranges = defaultdict(list)
    for one in template.resources(type_):
        ranges[str(one.get("security_group_id"))].extend(_addresses(one))
    return {group: {*cidr.public_ranges(cidrs)} for group, cidrs in ranges.items()}


def _public_peers(resource: Resource, public: Mapping[str, set[str]]) -> list[str]:
    group = str(resource.get("security_group_id"))
    return [one for one in _addresses(resource) if one in public[group]]


@rule(
    why="Ports that are open to the internet are attacked; ranges of ports allow more than needed",
    remedy="Allow one port from a security group or a network: allow_from_group(),"
    " allow_from_network(); for ingress from the internet use allow_from_internet(reason=...)",
    enforced_by=("lib.networking.security_group.SecurityGroup",),
    controls=Controls(
        cis=("5.2", "5.3", "5.4"),
        fsbp=("EC2.2", "EC2.18", "EC2.19"),
        nist=("AC-4", "AC-4(21)", "CM-7", "SC-7", "SC-7(4)", "SC-7(5)", "SC-7(21)"),
    ),
)
def restrict_ingress(template: Template) -> Violations:
    """Security groups allow ingress to single ports, from named peers."""
    public = _public_ranges(template, INGRESS_RULE)
    for resource in template.resources():
        if resource.type in ("aws_security_group", "aws_default_security_group"):
            for argument in {"ingress", "egress"} & set(resource.body):
                yield f"{resource}: {argument} rules within the group"
        if resource.type in ("aws_security_group_rule", "aws_network_acl_rule"):
            yield f"{resource}: a resource type that this rule does not evaluate"
        if resource.type != INGRESS_RULE:
            continue
        for peer in _public_peers(resource, public):
            yield f"{resource}: allows ingress from {peer}"
        yield from _incomplete_rule(resource)


def _incomplete_rule(resource: Resource) -> Violations:
    """A rule without a valid peer or without a single port."""
    for peer in _addresses(resource):
        if not peer.startswith("${") and cidr.parse_network(peer) is None:
            yield f"{resource}: {peer!r} is not an address range"
    if not _has_peer(resource):
        yield f"{resource}: has no peer"
    if not _has_single_port(resource):
        yield f"{resource}: {resource.get('ip_protocol')} allows more than one port"


def _has_peer(resource: Resource) -> bool:
    return bool(_addresses(resource)) or bool(
        {"referenced_security_group_id", "prefix_list_id"} & set(resource.body)
    )


def _has_single_port(resource: Resource) -> bool:
    port = resource.get("from_port")
    tcp = resource.get("ip_protocol") == "tcp"
    return tcp and port is not None and port == resource.get("to_port")


@rule(
    why="Unrestricted egress lets a compromised resource send data anywhere",
    remedy="Allow one port to a security group, network or prefix list; only public and private"
    " subnets have a default route",
    enforced_by=(
        "lib.networking.security_group.SecurityGroup",
        "lib.networking.network.Network",
    ),
    controls=Controls(nist=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)", "SC-7(11)")),
)
def restrict_egress(template: Template) -> Violations:
    """Security groups and routes allow egress to named peers only."""
    gateways = {one.ref("id") for one in template.resources("aws_internet_gateway")}
    public = _public_ranges(template, EGRESS_RULE)
    for resource in template.resources():
        if resource.type == EGRESS_RULE:
            web = _has_single_port(resource) and resource["to_port"] in WEB_PORTS
            if not (web and gateways):
                for peer in _public_peers(resource, public):
                    yield f"{resource}: allows egress to {peer}"
            yield from _incomplete_rule(resource)
        elif resource.type == "aws_route":
            yield from _unexpected_default_route(template, resource, gateways)
        elif resource.type != INGRESS_RULE:
            for argument, value in strings(resource.body):
                if any(map(cidr.is_public_range, CIDR.findall(value))):
                    yield f"{resource}: {argument} {value!r}"


def _destinations(route: Resource) -> list[str]:
    names = ("destination_cidr_block", "destination_ipv6_cidr_block")
    return [route[name] for name in names if route.get(name)]


def _unexpected_default_route(
    template: Template, route: Resource, gateways: set[str]
) -> Violations:
    """A route to the internet that is not the one of its tier of subnets."""
    table = route.get("route_table_id")
    routes = [one for one in template.resources("aws_route") if one.get("route_table_id") == table]
    public = cidr.public_ranges(one for other in routes for one in _destinations(other))
    if not {*public} & {*_destinations(route)}:
        return
    tiers = _tiers(template)
    served = {
        tiers.get(association["subnet_id"], "unknown")
        for association in template.resources("aws_route_table_association")
        if association["route_table_id"] == route.get("route_table_id")
    }
    nat_gateways = {one.ref("id") for one in template.resources("aws_nat_gateway")}
    if route.get("gateway_id") in gateways and served == {"public"}:
        return
    if route.get("nat_gateway_id") in nat_gateways and served == {"private"}:
        return
    yield f"{route}: routes {sorted(served)} subnets to the internet"


@rule(
    why="IMDSv1 returns the role's credentials to forged requests",
    remedy="Set metadata_options with http_tokens='required'",
    enforced_by=(
        "lib.compute.bastion.Bastion",
        "lib.compute.web_servers.WebServers",
    ),
    controls=Controls(
        cis=("5.6",),
        fsbp=("AutoScaling.3", "EC2.8", "EC2.170"),
        nist=("AC-3", "AC-3(7)", "AC-3(15)", "AC-6"),
    ),
)
def require_imdsv2(template: Template) -> Violations:
    """Instances accept IMDSv2 requests only."""
    for resource in template.resources():
        if resource.type in ("aws_instance", "aws_launch_template"):
            options = (listed(resource.get("metadata_options")) or [{}])[0]
            if options.get("http_tokens") != "required":
                yield f"{resource}: metadata_options {options}"
        if resource.type == "aws_launch_configuration":
            yield f"{resource}: launch configurations are replaced by launch templates"


@rule(
    why="A method without authorization can be called by everyone",
    remedy="Set authorization='AWS_IAM'",
    enforced_by=("lib.api.rest_api.Api",),
    controls=Controls(fsbp=("APIGateway.8",), nist=("AC-3", "CM-2", "CM-2(2)")),
)
def require_api_authorization(template: Template) -> Violations:
    """Every method of an API requires IAM authorization."""
    for resource in template.resources():
        if resource.type == "aws_api_gateway_method":
            # Browsers send preflight requests (OPTIONS) unsigned.
            preflight = resource["http_method"] == "OPTIONS"
            if resource.get("authorization") != "AWS_IAM" and not preflight:
                yield f"{resource}: authorization {resource.get('authorization')!r}"
        if resource.type == "aws_apigatewayv2_route" and (
            resource.get("authorization_type") != "AWS_IAM"
        ):
            yield f"{resource}: authorization {resource.get('authorization_type')!r}"
    for integration in template.resources("aws_api_gateway_integration"):
        if integration["http_method"] == "OPTIONS" and integration["type"] != "MOCK":
            yield f"{integration}: OPTIONS calls {integration.get('uri')!r} without authorization"
