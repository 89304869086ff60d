"""The arrows: who sends what to whom, as the references in the JSON tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from tools.diagrams.model import Resource
from tools.diagrams.picture import Picture, Tile

# Data flows, or something is watched, guarded or reported.
Style = Literal["data", "watch"]
EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Flow:
    """An arrow between two items or actors, by their keys."""

    source: str
    target: str
    label: str = ""
    style: Style = "data"


@dataclass(frozen=True)
class Actor:
    """Somebody or something outside the account, and the tile that it speaks to."""

    title: str
    tile: str
    label: str = ""

    @property
    def key(self) -> str:
        return f"actor {self.title}"


# Whom the JSON does not know, by stack and title of the tile.
ACTORS = {
    ("tap", "Data"): ("Test runs", "results"),
    ("web", "API"): ("API clients", ""),
    ("state", "State"): ("Terraform", "states, locks"),
}
INTERNET = "Internet"


@dataclass(frozen=True)
class Link:
    """A resource that connects two others: by an argument each, or itself where none is named."""

    type: str
    source: str | None
    target: str | None
    label: str | Callable[[dict[str, Any]], str] = ""
    style: Style = "data"


def _failures(body: dict[str, Any]) -> str:
    policy = body.get("redrive_policy")
    return f"{json.loads(policy)['maxReceiveCount']} failures" if policy else ""


LINKS = (
    Link("aws_s3_bucket_notification", "bucket", "queue", lambda b: b["queue"][0]["filter_prefix"]),
    Link("aws_lambda_event_source_mapping", "event_source_arn", "function_name", "batches"),
    Link("aws_sqs_queue", None, "redrive_policy", _failures),
    Link("aws_vpc_endpoint", None, "policy"),
    Link("aws_api_gateway_vpc_link", None, "target_arns", "VPC link"),
    Link("aws_route", "route_table_id", "nat_gateway_id"),
    Link("aws_rds_cluster_instance", "cluster_identifier", None),
    Link("aws_route53_record", None, "alias", "alias", "watch"),
    Link("aws_lb_listener", "certificate_arn", None, "TLS", "watch"),
    Link("aws_wafv2_web_acl_association", "web_acl_arn", "resource_arn", "guards", "watch"),
    Link("aws_lb", None, "access_logs", "", "watch"),
    Link("aws_flow_log", "vpc_id", "log_destination", "", "watch"),
    Link("aws_cloudtrail", None, "s3_bucket_name", "", "watch"),
    Link("aws_cloudtrail", None, "cloud_watch_logs_group_arn", "", "watch"),
    Link("aws_config_delivery_channel", None, "s3_bucket_name", "", "watch"),
    Link("aws_cloudwatch_log_metric_filter", "log_group_name", None, "", "watch"),
    Link("aws_cloudwatch_metric_alarm", None, "alarm_actions", "", "watch"),
    Link("aws_cloudwatch_event_target", "rule", "arn", "", "watch"),
)


def actors(picture: Picture) -> list[Actor]:
    """Who stands outside the account."""
    found = []
    for tile in picture.tiles.values():
        if tile.head.type == "aws_internet_gateway":
            found.append(Actor(INTERNET, tile.key))
        elif named := ACTORS.get((picture.stack.name, tile.title)):
            found.append(Actor(named[0], tile.key, named[1]))
    return found


def flows(picture: Picture) -> list[Flow]:
    """Every arrow, one for two items and a style; labels of several are joined."""
    labels: dict[tuple[str, str, Style], list[str]] = {}
    for flow in _all(picture):
        if flow.source != flow.target:
            told = labels.setdefault((flow.source, flow.target, flow.style), [])
            if flow.label and flow.label not in told:
                told.append(flow.label)
    return [
        Flow(source, target, ", ".join(sorted(told, key=lambda each: (len(each), each))), style)
        for (source, target, style), told in labels.items()
    ]


def _all(picture: Picture) -> Iterator[Flow]:
    for actor in actors(picture):
        if actor.title != INTERNET or _is_let_in(picture, actor.tile):
            yield Flow(actor.key, actor.tile, actor.label)
        else:
            yield Flow(actor.tile, actor.key)
    for link in LINKS:
        for resource in picture.stack.of_type(link.type):
            label = link.label(resource.body) if callable(link.label) else link.label
            for source in _ends(picture, resource, link.source):
                for target in _ends(picture, resource, link.target):
                    yield Flow(source, target, label, link.style)
    yield from _ports(picture)
    yield from _ways_out(picture)
    yield from _metrics(picture)
    yield from _granted(picture)


def _ends(picture: Picture, resource: Resource, argument: str | None) -> list[str]:
    if argument is None:
        return [picture.item_of(resource).key]
    named = picture.stack.refers(resource.body.get(argument))
    return [picture.item_of(other).key for other in named]


def _internet_gateways(picture: Picture) -> list[str]:
    return [picture.item_of(each).key for each in picture.stack.of_type("aws_internet_gateway")]


def _ports(picture: Picture) -> Iterator[Flow]:
    """What security groups let in, and through the gateway endpoints out."""
    stack = picture.stack
    for rule in stack.of_type("aws_vpc_security_group_ingress_rule"):
        body, target = rule.body, picture.item_of(rule).key
        label = str(body.get("from_port", "all"))
        for group in stack.refers(body.get("referenced_security_group_id")):
            yield Flow(picture.item_of(group).key, target, label)
        cidr = body.get("cidr_ipv4") or body.get("cidr_ipv6")
        if cidr and not _own(picture, cidr):
            for gateway in _internet_gateways(picture):
                yield Flow(gateway, target, label)
    for rule in stack.of_type("aws_vpc_security_group_egress_rule"):
        for endpoint in stack.refers(rule.body.get("prefix_list_id")):
            label = str(rule.body["from_port"])
            yield Flow(picture.item_of(rule).key, picture.item_of(endpoint).key, label)


def _is_let_in(picture: Picture, gateway: str) -> bool:
    return any(flow.source == gateway for flow in _ports(picture))


def _own(picture: Picture, cidr: str) -> bool:
    """Whether addresses are the networks' own."""
    networks = picture.stack.of_type("aws_vpc", "aws_subnet")
    return cidr in [network.body["cidr_block"] for network in networks]


def _ways_out(picture: Picture) -> Iterator[Flow]:
    """From the NAT gateways of a subnet to the internet gateway that its routes name."""
    for route in picture.stack.of_type("aws_route"):
        for gateway in picture.stack.refers(route.body.get("gateway_id")):
            for nat in picture.stack.of_type("aws_nat_gateway"):
                tile = picture.item_of(nat)
                if isinstance(tile, Tile) and picture.item_of(route).key in tile.subnets:
                    yield Flow(tile.key, picture.item_of(gateway).key)


def _metrics(picture: Picture) -> Iterator[Flow]:
    """From the filters to the alarms over the metrics that they make."""
    alarms = {
        (alarm.body.get("namespace"), alarm.body.get("metric_name")): picture.item_of(alarm).key
        for alarm in picture.stack.of_type("aws_cloudwatch_metric_alarm")
    }
    for each in picture.stack.of_type("aws_cloudwatch_log_metric_filter"):
        metric = each.body["metric_transformation"]
        if target := alarms.get((metric["namespace"], metric["name"])):
            yield Flow(picture.item_of(each).key, target, style="watch")


def _granted(picture: Picture) -> Iterator[Flow]:
    """What the roles of computers may use, where no endpoint leads there already."""
    stack = picture.stack
    by_endpoint = {
        other.address
        for endpoint in stack.of_type("aws_vpc_endpoint")
        for other in stack.refers(endpoint.body.get("policy"))
    }
    for policy in stack.of_type("aws_iam_role_policy"):
        source = picture.item_of(policy)
        if not (isinstance(source, Tile) and source.family == "compute"):
            continue
        for other in [*stack.refers(policy.body["policy"]), *_parameters(picture, policy)]:
            target = picture.item_of(other)
            used = isinstance(target, Tile) and target.kind.place == "data"
            if used and other.type != "aws_kms_key" and other.address not in by_endpoint:
                yield Flow(source.key, target.key)


def _parameters(picture: Picture, policy: Resource) -> Iterator[Resource]:
    """The parameters that a policy names by their path."""
    for statement in json.loads(policy.body["policy"])["Statement"]:
        arns = statement["Resource"]
        for arn in [arns] if isinstance(arns, str) else arns:
            pattern = arn.rpartition(":")[2]
            for parameter in picture.stack.of_type("aws_ssm_parameter"):
                name = f"parameter{parameter.body['name']}"
                if pattern.startswith("parameter/") and fnmatchcase(name, pattern):
                    yield parameter
