"""Faults in the stacks that lead to the internet, and in what only they have."""

from __future__ import annotations

from typing import Any

from tests.support.plants import add, added, fault, setting
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
    """An instance as it should be, but for what is changed."""
    sound = {
        "metadata_options": {"http_tokens": "required"},
        "root_block_device": {**VOLUME, "tags": {"Name": "web-volume-unit"}},
        "tags": {"Name": "web-instance-unit"},
    }
    return {name: value for name, value in (sound | changed).items() if value is not None}


def launch_template(**changed: Any) -> dict[str, Any]:
    """A launch template as it should be, but for what is changed."""
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
    """Tags as an Auto Scaling group hands them to its instances."""
    return [
        {"key": key, "value": value, "propagate_at_launch": propagate}
        for key, value in TAGS.items()
        if key != leave_out
    ]


# Names and tags.
added("names_carry_the_suffix", "aws_key_pair", {"public_key": "k"}, "bastion")
added("names_carry_the_suffix", "aws_lb", {"name": "alb-unit"})
added("names_carry_the_suffix", "aws_ssm_parameter", {"name": "/web-prod/database/endpoint"})
added("names_carry_the_suffix", "aws_cloudwatch_log_group", {"name": "/aws/ec2/bastion-unit"})
added("everything_is_tagged", "aws_eip", {"tags": {"Name": "address-unit"}}, "bastion")
added("everything_is_tagged", "aws_autoscaling_group", {"tag": group_tags("Name")})
added("everything_is_tagged", "aws_autoscaling_group", {"tag": group_tags("Purpose")})
added("everything_is_tagged", "aws_autoscaling_group", {"tag": group_tags(propagate=False)})
added("everything_is_tagged", "aws_launch_template", launch_template(tag_specifications=None))
added(
    "everything_is_tagged",
    "aws_launch_template",
    launch_template(tag_specifications=[{"resource_type": "instance", "tags": TAGS}]),
)
added(
    "everything_is_tagged",
    "aws_instance",
    instance(root_block_device=VOLUME),
)

# Encryption.
added("everything_is_encrypted", "aws_instance", instance(root_block_device=None))
added(
    "everything_is_encrypted",
    "aws_instance",
    instance(root_block_device={"encrypted": True}),
)
added(
    "everything_is_encrypted",
    "aws_instance",
    instance(ebs_block_device=[{"kms_key_id": KEY_ARN}]),
)
added("everything_is_encrypted", "aws_launch_template", launch_template(block_device_mappings=None))
added(
    "everything_is_encrypted",
    "aws_launch_template",
    launch_template(block_device_mappings=[{"ebs": {"encrypted": "false", "kms_key_id": KEY_ARN}}]),
)
added("everything_is_encrypted", "aws_db_instance", {"storage_encrypted": True})
added("everything_is_encrypted", "aws_ssm_parameter", {"type": "SecureString"})
added(
    "only_tls_is_accepted",
    "aws_db_parameter_group",
    {"family": "postgres15", "parameter": [{"name": "rds.force_ssl", "value": "0"}]},
)
added("only_tls_is_accepted", "aws_db_instance", {"parameter_group_name": "default.postgres15"})
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
    added("only_tls_is_accepted", "aws_lb_listener", listener)
added(
    "only_tls_is_accepted",
    "aws_api_gateway_integration",
    {"type": "HTTP_PROXY", "http_method": "GET", "uri": "http://app.example.com/"},
)
added("no_secret_in_the_state", "aws_db_instance", {"password": "hunter2"})
added("no_secret_in_the_state", "aws_ssm_parameter", {"type": "SecureString", "value": "hunter2"})

# Who can reach what.
for open_rule in (
    {**EVERYWHERE, **HTTPS},
    {"cidr_ipv6": "::/0", **HTTPS},
    # Half of everything, which would be the second rule's other half.
    {"cidr_ipv4": "128.0.0.0/1", **SSH},
    {"cidr_ipv4": "203.0.113.0/24", **ALL_TCP},
    {"cidr_ipv4": "203.0.113.0/24", "ip_protocol": "-1"},
    SSH,
):
    added("no_ingress_from_everywhere", INGRESS, open_rule, "bastion")
added("no_ingress_from_everywhere", "aws_security_group_rule", {"type": "ingress"}, "bastion")
added("no_ingress_from_everywhere", "aws_network_acl_rule", {"egress": False}, "bastion")
added("no_ingress_from_everywhere", "aws_security_group", {"ingress": [{"from_port": 22}]})
for way_out in (
    {**EVERYWHERE, **SSH},
    {**EVERYWHERE, **ALL_TCP},
    {**EVERYWHERE, "ip_protocol": "-1"},
):
    added("ways_out_are_known", EGRESS, way_out, "bastion")
added("ways_out_are_known", EGRESS, {"cidr_ipv6": "::/0", **SSH}, "bastion")
added("ways_out_are_known", EGRESS, {"cidr_ipv4": "10.0.0.0/16", **ALL_TCP}, "bastion")
added("ways_out_are_known", EGRESS, HTTPS, "bastion")
added("ways_out_are_known", EGRESS, {**EVERYWHERE, **HTTPS}, "tap")
added("ways_out_are_known", "aws_wafv2_ip_set", {"addresses": ["0.0.0.0/0"]})
added("ways_out_are_known", "aws_route_table", {"route": [{"cidr_block": "0.0.0.0/0"}]})
added("nothing_is_public", "aws_eip", NAMED, "bastion")
added("nothing_is_public", "aws_nat_gateway", NAMED, "bastion")
added("nothing_is_public", "aws_lb", {"internal": False})
added("nothing_is_public", "aws_db_instance", {"publicly_accessible": True})
added("nothing_is_public", "aws_instance", instance(associate_public_ip_address=True))
added(
    "nothing_is_public",
    "aws_launch_template",
    launch_template(network_interfaces=[{"associate_public_ip_address": "true"}]),
)
setting(
    "nothing_is_public",
    "aws_subnet",
    "Network/PrivateSubnet1",
    "map_public_ip_on_launch",
    True,
    "web",
)
added("instances_demand_imdsv2", "aws_instance", instance(metadata_options=None), "bastion")
added(
    "instances_demand_imdsv2",
    "aws_instance",
    instance(metadata_options={"http_tokens": "optional"}),
    "bastion",
)
added("instances_demand_imdsv2", "aws_launch_template", launch_template(metadata_options=None))
added("instances_demand_imdsv2", "aws_launch_configuration", {"name": "web-old-unit"})
added(
    "api_methods_are_authorised",
    "aws_api_gateway_method",
    {"http_method": "GET", "authorization": "NONE"},
)
added(
    "api_methods_are_authorised",
    "aws_api_gateway_method",
    {"http_method": "ANY", "authorization": "CUSTOM"},
)
added("api_methods_are_authorised", "aws_apigatewayv2_route", {"route_key": "GET /"})
added(
    "api_methods_are_authorised",
    "aws_api_gateway_integration",
    {"type": "HTTP_PROXY", "http_method": "OPTIONS", "uri": "https://app.example.com/"},
)

# How long it lasts.
added("logs_are_kept", "aws_cloudwatch_log_group", {"retention_in_days": 7})
setting(
    *("logs_are_kept", "aws_cloudwatch_log_group", "Fleet/ApplicationLogs"),
    *("retention_in_days", 90),
    stack="web",
)
added("everything_can_be_destroyed", "aws_lb", {"enable_deletion_protection": True})
added("everything_can_be_destroyed", "aws_db_instance", {"deletion_protection": True})
added("everything_can_be_destroyed", "aws_instance", instance(disable_api_termination=True))
added("everything_can_be_destroyed", "aws_launch_template", launch_template(disable_api_stop=True))
added("everything_can_be_destroyed", "aws_autoscaling_group", {"protect_from_scale_in": True})


def public_subnet(template: Template) -> str:
    return template.get("aws_subnet", "Network/PublicSubnet1").ref("id")


@fault("nothing_is_public", "web")
def instance_beside_the_gateways(template: Template) -> Resource:
    return add(template, "aws_instance", instance(subnet_id=public_subnet(template)))


@fault("nothing_is_public", "web")
def fleet_beside_the_gateways(template: Template) -> Resource:
    body = {"vpc_zone_identifier": [public_subnet(template)]}
    return add(template, "aws_autoscaling_group", body)


@fault("nothing_is_public", "web")
def database_beside_the_gateways(template: Template) -> Resource:
    return add(template, "aws_db_subnet_group", {"subnet_ids": [public_subnet(template)]})


@fault("nothing_is_public", "web")
def inner_balancer_beside_the_gateways(template: Template) -> Resource:
    body = {"internal": True, "subnets": [public_subnet(template)]}
    return add(template, "aws_lb", body)


@fault("no_ingress_from_everywhere", "web")
def waiver_taken_away(template: Template) -> Resource:
    rule = add(template, INGRESS, {**EVERYWHERE, **HTTPS})
    rule.body["//"]["waivers"] = {"nothing_is_public": "A waiver of another promise"}
    return rule


@fault("ways_out_are_known", "web")
def way_out_of_the_isolated_subnets(template: Template) -> Resource:
    return add(
        template,
        "aws_route",
        {
            "route_table_id": template.get("aws_route_table", "Network/IsolatedRoutes1").ref("id"),
            "destination_cidr_block": "0.0.0.0/0",
            "nat_gateway_id": template.get("aws_nat_gateway", "Network/NatGateway1").ref("id"),
        },
    )


@fault("ways_out_are_known", "bastion")
def way_in_to_the_private_subnets(template: Template) -> Resource:
    route = template.get("aws_route", "Network/PrivateRoute1")
    route.body["gateway_id"] = template.get("aws_internet_gateway").ref("id")
    del route.body["nat_gateway_id"]
    return route


@fault("ways_out_are_known", "bastion")
def public_subnets_led_through_nat(template: Template) -> Resource:
    route = template.get("aws_route", "Network/PublicRoute2")
    route.body["nat_gateway_id"] = template.get("aws_nat_gateway", "Network/NatGateway2").ref("id")
    del route.body["gateway_id"]
    return route


@fault("waivers_have_reasons", "bastion")
def waiver_with_a_word(template: Template) -> Resource:
    gateway = template.get("aws_internet_gateway")
    gateway.waivers["nothing_is_public"] = "because"
    return gateway
