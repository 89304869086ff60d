"""Faults in the bastion and web stacks."""

from __future__ import annotations

from typing import Any

from tests.support.plants import add, added, fault, setting, suppress
from tests.support.template import Resource, Template

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0-1"
TAGS = {
    "Environment": "unit",
    "Project": "p",
    "Owner": "o",
    "CostCenter": "c",
    "ManagedBy": "cdktf",
    "Component": "c",
    "Purpose": "p",
    "Name": "web-instance-unit",
}
NAMED = {"tags": {"Name": "web-planted-unit"}}
VOLUME = {"encrypted": True, "kms_key_id": KEY_ARN}
ALL_TCP = {"ip_protocol": "tcp", "from_port": 0, "to_port": 65535}
HTTPS = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
SSH = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22}
EVERYWHERE = {"cidr_ipv4": "0.0.0.0/0"}
INGRESS = "aws_vpc_security_group_ingress_rule"
EGRESS = "aws_vpc_security_group_egress_rule"


def instance(**changed: Any) -> dict[str, Any]:
    """A compliant instance with some arguments changed."""
    sound = {
        "metadata_options": {"http_tokens": "required"},
        "root_block_device": {**VOLUME, "tags": {"Name": "web-volume-unit"}},
        "tags": {"Name": "web-instance-unit"},
    }
    return {name: value for name, value in (sound | changed).items() if value is not None}


def launch_template(**changed: Any) -> dict[str, Any]:
    """A compliant launch template with some arguments changed."""
    sound = {
        "name": "web-launch-template-unit",
        "metadata_options": {"http_tokens": "required"},
        "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": VOLUME}],
        "tag_specifications": [
            {"resource_type": kind, "tags": TAGS} for kind in ("instance", "volume")
        ],
        "tags": {"Name": "web-launch-template-unit"},
    }
    return {name: value for name, value in (sound | changed).items() if value is not None}


def group_tags(leave_out: str = "", propagate: bool = True) -> list[dict[str, Any]]:
    """The tags that an Auto Scaling group propagates to its instances."""
    return [
        {"key": key, "value": value, "propagate_at_launch": propagate}
        for key, value in TAGS.items()
        if key != leave_out
    ]


# Names and tags.
added("names_end_with_suffix", "aws_key_pair", {"public_key": "k"}, "bastion")
added("names_end_with_suffix", "aws_lb", {"name": "alb-unit"})
added("names_end_with_suffix", "aws_ssm_parameter", {"name": "/web-prod/database/endpoint"})
added("names_end_with_suffix", "aws_cloudwatch_log_group", {"name": "/aws/ec2/bastion-unit"})
added("require_tags", "aws_eip", {"tags": {"Name": "address-unit"}}, "bastion")
added("require_tags", "aws_autoscaling_group", {"tag": group_tags("Name")})
added("require_tags", "aws_autoscaling_group", {"tag": group_tags("Purpose")})
added("require_tags", "aws_autoscaling_group", {"tag": group_tags(propagate=False)})
added("require_tags", "aws_launch_template", launch_template(tag_specifications=None))
added(
    "require_tags",
    "aws_launch_template",
    launch_template(tag_specifications=[{"resource_type": "instance", "tags": TAGS}]),
)
added(
    "require_tags",
    "aws_instance",
    instance(root_block_device=VOLUME),
)

# Encryption.
added("require_encryption_at_rest", "aws_instance", instance(root_block_device=None))
added(
    "require_encryption_at_rest",
    "aws_instance",
    instance(root_block_device={"encrypted": True}),
)
added(
    "require_encryption_at_rest",
    "aws_instance",
    instance(ebs_block_device=[{"kms_key_id": KEY_ARN}]),
)
added(
    "require_encryption_at_rest", "aws_launch_template", launch_template(block_device_mappings=None)
)
added(
    "require_encryption_at_rest",
    "aws_launch_template",
    launch_template(block_device_mappings=[{"ebs": {"encrypted": "false", "kms_key_id": KEY_ARN}}]),
)
added("require_encryption_at_rest", "aws_db_instance", {"storage_encrypted": True})
added("require_encryption_at_rest", "aws_ssm_parameter", {"type": "SecureString"})
added(
    "require_tls",
    "aws_db_parameter_group",
    {"family": "postgres15", "parameter": [{"name": "rds.force_ssl", "value": "0"}]},
)
added("require_tls", "aws_db_instance", {"parameter_group_name": "default.postgres15"})
for listener in (
    {"protocol": "HTTP", "default_action": [{"type": "forward"}]},
    {
        "protocol": "HTTP",
        "default_action": [{"redirect": {"protocol": "HTTPS", "status_code": "HTTP_302"}}],
    },
    {
        "protocol": "HTTPS",
        "ssl_policy": "ELBSecurityPolicy-2016-08",
        "default_action": [{"type": "forward"}],
    },
    {
        "protocol": "HTTPS",
        "ssl_policy": "ELBSecurityPolicy-TLS13-1-1-2021-06",
        "default_action": [{"type": "forward"}],
    },
    {"protocol": "HTTPS", "default_action": [{"type": "forward"}]},
    {"protocol": "TCP", "default_action": [{"target_group_arn": "another"}]},
):
    added("require_tls", "aws_lb_listener", listener)
added(
    "require_tls",
    "aws_api_gateway_integration",
    {"type": "HTTP_PROXY", "http_method": "GET", "uri": "http://app.example.com/"},
)
added("no_secrets_in_state", "aws_db_instance", {"password": "hunter2"})
added("no_secrets_in_state", "aws_ssm_parameter", {"type": "SecureString", "value": "hunter2"})

# Network access.
for open_rule in (
    {**EVERYWHERE, **HTTPS},
    {"cidr_ipv6": "::/0", **HTTPS},
    {"cidr_ipv4": "128.0.0.0/1", **SSH},
    {"cidr_ipv6": "2600::/12", **SSH},
    {"cidr_ipv4": "203.0.113.0/24", **ALL_TCP},
    {"cidr_ipv4": "203.0.113.0/24", "ip_protocol": "-1"},
    SSH,
):
    added("restrict_ingress", INGRESS, open_rule, "bastion")
added("restrict_ingress", "aws_security_group_rule", {"type": "ingress"}, "bastion")
added("restrict_ingress", "aws_network_acl_rule", {"egress": False}, "bastion")
added("restrict_ingress", "aws_security_group", {"ingress": [{"from_port": 22}]})
for egress_rule in (
    {**EVERYWHERE, **SSH},
    {**EVERYWHERE, **ALL_TCP},
    {**EVERYWHERE, "ip_protocol": "-1"},
):
    added("restrict_egress", EGRESS, egress_rule, "bastion")
added("restrict_egress", EGRESS, {"cidr_ipv6": "::/0", **SSH}, "bastion")
added("restrict_egress", EGRESS, {"cidr_ipv4": "10.0.0.0/16", **ALL_TCP}, "bastion")
added("restrict_egress", EGRESS, HTTPS, "bastion")
added("restrict_egress", EGRESS, {**EVERYWHERE, **HTTPS}, "tap")
added("restrict_egress", "aws_wafv2_ip_set", {"addresses": ["0.0.0.0/0"]})
added("restrict_egress", "aws_route_table", {"route": [{"cidr_block": "0.0.0.0/0"}]})
added("no_public_access", "aws_eip", NAMED, "bastion")
added("no_public_access", "aws_nat_gateway", NAMED, "bastion")
added("no_public_access", "aws_lb", {"internal": False})
added("no_public_access", "aws_db_instance", {"publicly_accessible": True})
added("no_public_access", "aws_instance", instance(associate_public_ip_address=True))
added(
    "no_public_access",
    "aws_launch_template",
    launch_template(network_interfaces=[{"associate_public_ip_address": "true"}]),
)
setting(
    "no_public_access",
    "aws_subnet",
    "Network/PrivateSubnet1",
    "map_public_ip_on_launch",
    True,
    "web",
)
added("require_imdsv2", "aws_instance", instance(metadata_options=None), "bastion")
added(
    "require_imdsv2",
    "aws_instance",
    instance(metadata_options={"http_tokens": "optional"}),
    "bastion",
)
added("require_imdsv2", "aws_launch_template", launch_template(metadata_options=None))
added("require_imdsv2", "aws_launch_configuration", {"name": "web-old-unit"})
added(
    "require_api_authorization",
    "aws_api_gateway_method",
    {"http_method": "GET", "authorization": "NONE"},
)
added(
    "require_api_authorization",
    "aws_api_gateway_method",
    {"http_method": "ANY", "authorization": "CUSTOM"},
)
added("require_api_authorization", "aws_apigatewayv2_route", {"route_key": "GET /"})
added(
    "require_api_authorization",
    "aws_api_gateway_integration",
    {"type": "HTTP_PROXY", "http_method": "OPTIONS", "uri": "https://app.example.com/"},
)

# Lifecycle.
added("require_log_retention", "aws_cloudwatch_log_group", {"retention_in_days": 7})
added("resources_are_destroyable", "aws_lb", {"enable_deletion_protection": True})
added("resources_are_destroyable", "aws_db_instance", {"deletion_protection": True})
added("resources_are_destroyable", "aws_instance", instance(disable_api_termination=True))
added("resources_are_destroyable", "aws_launch_template", launch_template(disable_api_stop=True))
added("resources_are_destroyable", "aws_autoscaling_group", {"protect_from_scale_in": True})


def public_subnet(template: Template) -> str:
    return template.get("aws_subnet", "Network/PublicSubnet1").ref("id")


@fault("no_public_access", "web")
def instance_in_public_subnet(template: Template) -> Resource:
    return add(template, "aws_instance", instance(subnet_id=public_subnet(template)))


@fault("no_public_access", "web")
def group_in_public_subnet(template: Template) -> Resource:
    body = {"vpc_zone_identifier": [public_subnet(template)]}
    return add(template, "aws_autoscaling_group", body)


@fault("no_public_access", "web")
def database_in_public_subnet(template: Template) -> Resource:
    return add(template, "aws_db_subnet_group", {"subnet_ids": [public_subnet(template)]})


@fault("no_public_access", "web")
def internal_load_balancer_in_public_subnet(template: Template) -> Resource:
    body = {"internal": True, "subnets": [public_subnet(template)]}
    return add(template, "aws_lb", body)


@fault("restrict_ingress", "web")
def suppression_of_another_rule(template: Template) -> Resource:
    rule = add(template, INGRESS, {**EVERYWHERE, **HTTPS})
    return suppress(rule, "no_public_access", "A suppression of another rule")


@fault("restrict_egress", "web")
def default_route_of_isolated_subnets(template: Template) -> Resource:
    return add(
        template,
        "aws_route",
        {
            "route_table_id": template.get("aws_route_table", "Network/IsolatedRoutes1").ref("id"),
            "destination_cidr_block": "0.0.0.0/0",
            "nat_gateway_id": template.get("aws_nat_gateway", "Network/NatGateway1").ref("id"),
        },
    )


@fault("restrict_egress", "bastion")
def internet_route_of_private_subnets(template: Template) -> Resource:
    route = template.get("aws_route", "Network/PrivateRoute1")
    route.body["gateway_id"] = template.get("aws_internet_gateway").ref("id")
    del route.body["nat_gateway_id"]
    return route


@fault("restrict_egress", "bastion")
def nat_route_of_public_subnets(template: Template) -> Resource:
    route = template.get("aws_route", "Network/PublicRoute2")
    route.body["nat_gateway_id"] = template.get("aws_nat_gateway", "Network/NatGateway2").ref("id")
    del route.body["gateway_id"]
    return route


@fault("suppressions_have_reasons", "bastion")
def suppression_with_one_word(template: Template) -> Resource:
    return suppress(template.get("aws_internet_gateway"), "no_public_access", "because")


@fault("restrict_ingress", "bastion")
def adjacent_ranges_that_are_public_together(template: Template) -> str:
    group = template.of_type(INGRESS)[0]["security_group_id"]
    body = {"security_group_id": group, **SSH}
    add(template, INGRESS, {**body, "cidr_ipv4": "52.0.0.0/8"})
    rules = template.document["resource"][INGRESS]
    rules["Neighbour"] = rules["Planted"] | {"cidr_ipv4": "53.0.0.0/8"}
    return f"{INGRESS}."
