"""Tables of resource types: families of services, and the types of resources that have a tile.

Every other resource is part of the tile of its construct; see ``contents``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

Place = Literal["entry", "network", "data", "monitoring"]


@dataclass(frozen=True)
class Family:
    """A family of services: its name, its colour, and a white glyph of 20 by 20 pixels."""

    name: str
    colour: str
    glyph: str


FAMILIES = {
    "network": Family(
        "Network",
        "#7c4dcc",
        "M10 4v4M4 16v-4h12v4M10 8v4M7 2h6v4H7zM2 15h4v3H2zM14 15h4v3h-4z",
    ),
    "edge": Family(
        "Edge and API",
        "#a0428c",
        "M10 2a8 8 0 1 0 .1 0M2 10h16M10 2c-5 5-5 11 0 16M10 2c5 5 5 11 0 16",
    ),
    "compute": Family(
        "Compute",
        "#c8620a",
        "M5 5h10v10H5zM8 2v3M12 2v3M8 15v3M12 15v3M2 8h3M2 12h3M15 8h3M15 12h3",
    ),
    "storage": Family("Storage", "#3f7d20", "M3 4h14l-2 13H5zM3 4c3 2.5 11 2.5 14 0"),
    "database": Family(
        "Database",
        "#2f5fd0",
        "M4 5c0-3.5 12-3.5 12 0v10c0 3.5-12 3.5-12 0zM4 5c0 3.5 12 3.5 12 0M4 10c0 3.5 12 3.5 12 0",
    ),
    "messages": Family("Messages and events", "#c2316e", "M2 5h16v10H2zM2 5l8 6 8-6"),
    "security": Family(
        "Security and identity",
        "#c23030",
        "M10 2l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V5zM7 10l2 2 4-4",
    ),
    "audit": Family("Monitoring and audit", "#0f7c86", "M2 17h16M4 14V9M8 14V5M12 14V8M16 14V3"),
}

# The family of a resource type is that of its longest prefix.
PREFIXES = {
    "aws_acm_": "security",
    "aws_api_gateway_": "edge",
    "aws_autoscaling_": "compute",
    "aws_cloudtrail": "audit",
    "aws_cloudwatch_": "audit",
    "aws_cloudwatch_event_": "messages",
    "aws_config_": "audit",
    "aws_db_": "database",
    "aws_default_security_group": "network",
    "aws_eip": "network",
    "aws_flow_log": "network",
    "aws_guardduty_": "security",
    "aws_iam_": "security",
    "aws_instance": "compute",
    "aws_internet_gateway": "network",
    "aws_key_pair": "security",
    "aws_kms_": "security",
    "aws_lambda_": "compute",
    "aws_launch_template": "compute",
    "aws_lb": "network",
    "aws_nat_gateway": "network",
    "aws_rds_": "database",
    "aws_route": "network",
    "aws_route53_": "edge",
    "aws_s3_": "storage",
    "aws_secretsmanager_": "security",
    "aws_security_group": "network",
    "aws_securityhub_": "security",
    "aws_sns_": "messages",
    "aws_sqs_": "messages",
    "aws_ssm_": "storage",
    "aws_subnet": "network",
    "aws_vpc": "network",
    "aws_wafv2_": "edge",
    "random_": "security",
}


def family_of(type_: str) -> str:
    """Return the family of a resource type. Raises ``ValueError`` for a type without a prefix."""
    matching = [prefix for prefix in PREFIXES if type_.startswith(prefix)]
    if not matching:
        raise ValueError(
            f"{type_}: received a resource type without a family; accepted: types with a prefix in"
            " PREFIXES of tools/diagrams/kinds.py. Add a row."
        )
    return PREFIXES[max(matching, key=len)]


@dataclass(frozen=True)
class Kind:
    """How the resources of one type are drawn.

    A resource in subnets is drawn there, any other at its ``place``. ``rank`` is the order of the
    tiles of one place; at ``monitoring`` it is the column, and ``row`` the row. With a title in
    ``merged`` one tile represents all resources of the type; otherwise each resource has a tile
    with the title of its construct path. ``subtitle`` is a function of the resource's body, or a
    format string with arguments of the resource and with types of the tile's resources, the latter
    for their number.
    """

    place: Place
    rank: int
    subtitle: str | Callable[[dict[str, Any]], str]
    row: int = 0
    merged: str = ""


def _load_balancer(body: dict[str, Any]) -> str:
    name = "Network" if body["load_balancer_type"] == "network" else "Application"
    return f"{name} Load Balancer, {'internal' if body['internal'] else 'internet-facing'}"


def _function(body: dict[str, Any]) -> str:
    runtime = body["runtime"].replace("python", "Python ")
    return f"Lambda function, {runtime}, {body['memory_size']} MB"


def _key(body: dict[str, Any]) -> str:
    return "KMS key, rotated" if body.get("enable_key_rotation") else "KMS key"


def _queue(body: dict[str, Any]) -> str:
    # The rules require a redrive policy of every queue except dead-letter queues.
    return "SQS queue" if "redrive_policy" in body else "SQS dead-letter queue"


def _trail(body: dict[str, Any]) -> str:
    return "CloudTrail, all Regions" if body.get("is_multi_region_trail") else "CloudTrail"


def _postgres(body: dict[str, Any]) -> str:
    zones = ", Multi-AZ" if body.get("multi_az") else ""
    return f"PostgreSQL {body['engine_version']}, {body['instance_class']}{zones}"


KINDS = {
    # In the VPC, from the internet to the databases
    "aws_internet_gateway": Kind("network", 2, "Internet access"),
    "aws_vpc_endpoint": Kind("network", 1, lambda body: f"{body['vpc_endpoint_type']} endpoint"),
    "aws_lb": Kind("network", 2, _load_balancer),
    "aws_nat_gateway": Kind("network", 7, "Outbound access"),
    "aws_instance": Kind("network", 4, "{instance_type} instance"),
    "aws_autoscaling_group": Kind("network", 4, "{min_size} to {max_size} instances"),
    "aws_lambda_function": Kind("network", 4, _function),
    "aws_rds_cluster": Kind("network", 5, "Aurora PostgreSQL {engine_version}"),
    "aws_rds_cluster_instance": Kind("network", 6, "{instance_class}"),
    "aws_db_instance": Kind("network", 5, _postgres),
    # Entry points
    "aws_api_gateway_rest_api": Kind("entry", 0, "REST API"),
    "aws_wafv2_web_acl": Kind("entry", 1, "WAF web ACL"),
    "aws_acm_certificate": Kind("entry", 2, "ACM, for TLS"),
    "aws_route53_record": Kind("entry", 3, "Route 53 records", merged="DNS names"),
    "aws_sqs_queue": Kind("entry", 5, _queue),
    # Data and keys
    "aws_s3_bucket": Kind("data", 4, "S3 bucket"),
    "aws_secretsmanager_secret": Kind("data", 1, "Secrets Manager"),
    "aws_ssm_parameter": Kind("data", 2, "SSM parameters", merged="Parameters"),
    "aws_kms_key": Kind("data", 5, _key),
    "aws_iam_policy": Kind("data", 6, "IAM policy on every role"),
    # Monitoring and audit
    "aws_cloudtrail": Kind("monitoring", 1, _trail, row=1),
    "aws_cloudwatch_log_group": Kind("monitoring", 2, "log groups", row=1, merged="Logs"),
    "aws_cloudwatch_log_metric_filter": Kind(
        "monitoring", 3, "CIS patterns", row=1, merged="Metric filters"
    ),
    "aws_cloudwatch_metric_alarm": Kind(
        "monitoring", 4, "CloudWatch alarms", row=1, merged="Alarms"
    ),
    "aws_sns_topic": Kind("monitoring", 5, "SNS topic", row=1),
    "aws_cloudwatch_event_rule": Kind(
        "monitoring", 4, "EventBridge rules", row=2, merged="Findings"
    ),
    "aws_cloudwatch_dashboard": Kind("monitoring", 5, "CloudWatch dashboard", row=2),
    "aws_config_configuration_recorder": Kind(
        "monitoring", 1, "{aws_config_config_rule} AWS Config rules", row=2
    ),
}
# A security group without a member in the stack.
UNUSED_SECURITY_GROUP = Kind("network", 5, "For future instances")

# A bucket with event notifications.
NOTIFYING_BUCKET = Kind("entry", 4, "S3 bucket")
# A bucket that receives logs, by the type and argument that name it.
LOG_BUCKETS = {
    ("aws_cloudtrail", "s3_bucket_name"): Kind("monitoring", 2, "S3 bucket", row=2),
    ("aws_config_delivery_channel", "s3_bucket_name"): Kind("monitoring", 2, "S3 bucket", row=2),
    ("aws_flow_log", "log_destination"): Kind("monitoring", 3, "S3 bucket", row=2),
}

# Types that are part of the tile of the resource in this argument, not of their construct's tile.
OWNER_BY_ARGUMENT = {
    "aws_cloudwatch_event_target": "rule",
    "aws_config_configuration_recorder_status": "name",
    "aws_lb_listener": "load_balancer_arn",
    "aws_route": "route_table_id",
    "aws_route_table_association": "subnet_id",
    "aws_vpc_security_group_egress_rule": "security_group_id",
    "aws_vpc_security_group_ingress_rule": "security_group_id",
}
# Types that are part of the tile of a resource that refers to them.
OWNED_BY_REFERRER = (
    "aws_db_subnet_group",
    "aws_eip",
    "aws_route_table",
    "aws_security_group",
)

# Words of names whose spelling differs in titles.
SPELLING = {
    "autoscaling": "Auto Scaling",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "config": "Config",
    "eip": "Elastic IP",
    "lambda": "Lambda",
    "lb": "load balancer",
    "route53": "Route 53",
    "secretsmanager": "Secrets Manager",
    "wafv2": "WAF",
}
ACRONYMS = """
    ACL ACM API CIS DB DNS EC2 IAM KMS NAT RDS REST S3 SNS SQS SSH SSM VPC WAF
"""
SPELLING |= {acronym.lower(): acronym for acronym in ACRONYMS.split()}
NOUNS = {"aws_instance": "EC2 instance"}
# Names of constructs that are combined with the name of their parent.
PARTS = ("Balancer", "Logs")
# Titles of constructs whose ids, which are part of the resource address, are no standard terms.
TITLES = {
    "DeadLetters": "DLQ",
    "Fleet": "Auto Scaling group",
    "LinkBalancer": "Link load balancer",
}


def _words(name: str) -> str:
    found = re.findall(r"[Ss]3|route53|wafv2|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    return " ".join(SPELLING.get(word.lower(), word.lower()) for word in found)


def humanize(name: str) -> str:
    """Return a name as words: ``NatGateway1`` as ``NAT gateway 1``, ``web-app`` as ``Web app``."""
    words = _words(name)
    return words[:1].upper() + words[1:]


def title_of(path: str) -> str:
    """Return the title of the construct at a path."""
    *parents, last = path.split("/")
    name = "".join([*parents[-1:], last]) if last in PARTS else last
    return TITLES.get(name) or humanize(name)


def counted(type_: str, count: int) -> str:
    """Return a number of resources of a type: ``S3 bucket policy``, or ``4 × S3 bucket policy``."""
    # aws_config_config_rule contains one word twice.
    words = [word for word, _ in groupby(type_.split("_")[1:])]
    noun = NOUNS.get(type_) or _words("_".join(words))
    return f"{count} × {noun}" if count > 1 else noun
