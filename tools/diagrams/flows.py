"""The arrows of a diagram, derived from references in the JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lib.iam_policy import matches, parse
from lib.stacks import StackSpec
from lib.template import Resource
from tools.diagrams.contents import Contents, Tile

# "data" for data flows; "watch" for monitoring, protection, aliases and delivery of logs.
Style = Literal["data", "watch"]

INTERNET = "Internet"


@dataclass(frozen=True)
class Flow:
    """An arrow from one item or actor to another, by their keys."""

    source: str
    target: str
    label: str = ""
    style: Style = "data"


@dataclass(frozen=True)
class ActorNode:
    """An actor outside the account, and the key of the tile that it exchanges data with."""

    title: str
    tile: str
    label: str = ""

    @property
    def key(self) -> str:
        """The key in flows and in the layout."""
        return f"actor {self.title}"


@dataclass(frozen=True)
class Link:
    """A type of resource that connects two items.

    ``source`` and ``target`` are arguments that refer to resources of the items; None is the item
    of the resource itself.
    """

    type: str
    source: str | None
    target: str | None
    label: str | Callable[[dict[str, Any]], str] = ""
    style: Style = "data"


def _receive_count(body: dict[str, Any]) -> str:
    policy = body.get("redrive_policy")
    return f"{json.loads(policy)['maxReceiveCount']} failures" if policy else ""


def _notification_prefix(body: dict[str, Any]) -> str:
    """The prefix of a bucket's event notifications; empty if they cover all objects."""
    return str(body["queue"][0].get("filter_prefix", ""))


LINKS = (
    Link("aws_s3_bucket_notification", "bucket", "queue", _notification_prefix),
    Link("aws_lambda_event_source_mapping", "event_source_arn", "function_name", "batches"),
    Link("aws_sqs_queue", None, "redrive_policy", _receive_count),
    Link("aws_vpc_endpoint", None, "policy"),
    Link("aws_api_gateway_vpc_link", None, "target_arns", "VPC link"),
    Link("aws_route", "route_table_id", "nat_gateway_id"),
    Link("aws_rds_cluster_instance", "cluster_identifier", None),
    Link("aws_route53_record", None, "alias", "alias", "watch"),
    Link("aws_lb_listener", "certificate_arn", None, "TLS", "watch"),
    Link("aws_wafv2_web_acl_association", "web_acl_arn", "resource_arn", "protects", "watch"),
    Link("aws_lb", None, "access_logs", "", "watch"),
    Link("aws_flow_log", "vpc_id", "log_destination", "", "watch"),
    Link("aws_cloudtrail", None, "s3_bucket_name", "", "watch"),
    Link("aws_cloudtrail", None, "cloud_watch_logs_group_arn", "", "watch"),
    Link("aws_config_delivery_channel", None, "s3_bucket_name", "", "watch"),
    Link("aws_cloudwatch_log_metric_filter", "log_group_name", None, "", "watch"),
    Link("aws_cloudwatch_metric_alarm", None, "alarm_actions", "", "watch"),
    Link("aws_cloudwatch_event_target", "rule", "arn", "", "watch"),
)


def actors(contents: Contents, spec: StackSpec | None = None) -> list[ActorNode]:
    """Return the actors outside the account: the internet, and the actor of the stack's entry.

    Raises ``ValueError`` if no tile has the title that the entry names as the actor's target.
    """
    nodes = []
    actor = spec.actor if spec else None
    found = False
    for tile in contents.tiles.values():
        if tile.head.type == "aws_internet_gateway":
            nodes.append(ActorNode(INTERNET, tile.key))
        elif actor and tile.title == actor.target:
            nodes.append(ActorNode(actor.name, tile.key, actor.data))
            found = True
    if actor and not found:
        titles = ", ".join(sorted(tile.title for tile in contents.tiles.values()))
        raise ValueError(
            f"actor of the stack {contents.stack.name}: received the target {actor.target!r};"
            f" accepted: the title of a tile ({titles}). Correct the entry in lib/stacks.py."
        )
    return nodes


def flows(contents: Contents, outside: list[ActorNode]) -> list[Flow]:
    """Return the arrows, one for each pair of items and style, with the labels of all of them."""
    labels: dict[tuple[str, str, Style], list[str]] = {}
    for flow in _all_flows(contents, outside):
        if flow.source != flow.target:
            known = labels.setdefault((flow.source, flow.target, flow.style), [])
            if flow.label and flow.label not in known:
                known.append(flow.label)
    return [
        Flow(source, target, ", ".join(sorted(known, key=lambda each: (len(each), each))), style)
        for (source, target, style), known in labels.items()
    ]


def _all_flows(contents: Contents, outside: list[ActorNode]) -> Iterator[Flow]:
    for actor in outside:
        if actor.title != INTERNET or _accepts_connections(contents, actor.tile):
            yield Flow(actor.key, actor.tile, actor.label)
        else:
            yield Flow(actor.tile, actor.key)
    for link in LINKS:
        for resource in contents.stack.of_type(link.type):
            label = link.label(resource.body) if callable(link.label) else link.label
            for source in _ends(contents, resource, link.source):
                for target in _ends(contents, resource, link.target):
                    yield Flow(source, target, label, link.style)
    yield from _security_group_flows(contents)
    yield from _nat_flows(contents)
    yield from _metric_flows(contents)
    yield from _role_flows(contents)


def _ends(contents: Contents, resource: Resource, argument: str | None) -> list[str]:
    if argument is None:
        return [contents.item_of(resource).key]
    referenced = contents.stack.references_in(resource.body.get(argument))
    return [contents.item_of(other).key for other in referenced]


def _internet_gateways(contents: Contents) -> list[str]:
    return [contents.item_of(each).key for each in contents.stack.of_type("aws_internet_gateway")]


def _security_group_flows(contents: Contents) -> Iterator[Flow]:
    """Yield connections that ingress rules allow, and egress to gateway endpoints."""
    stack = contents.stack
    for rule in stack.of_type("aws_vpc_security_group_ingress_rule"):
        body, target = rule.body, contents.item_of(rule).key
        label = str(body.get("from_port", "all"))
        for group in stack.references_in(body.get("referenced_security_group_id")):
            yield Flow(contents.item_of(group).key, target, label)
        cidr = body.get("cidr_ipv4") or body.get("cidr_ipv6")
        if cidr and not _is_internal(contents, cidr):
            for gateway in _internet_gateways(contents):
                yield Flow(gateway, target, label)
    for rule in stack.of_type("aws_vpc_security_group_egress_rule"):
        for endpoint in stack.references_in(rule.body.get("prefix_list_id")):
            label = str(rule.body["from_port"])
            yield Flow(contents.item_of(rule).key, contents.item_of(endpoint).key, label)


def _accepts_connections(contents: Contents, gateway: str) -> bool:
    return any(flow.source == gateway for flow in _security_group_flows(contents))


def _is_internal(contents: Contents, cidr: str) -> bool:
    """Return whether a range of addresses is that of the VPC or of a subnet."""
    networks = contents.stack.of_type("aws_vpc", "aws_subnet")
    return cidr in [network.body["cidr_block"] for network in networks]


def _nat_flows(contents: Contents) -> Iterator[Flow]:
    """Yield flows from the NAT gateways of a subnet to the internet gateway of its routes."""
    for route in contents.stack.of_type("aws_route"):
        for gateway in contents.stack.references_in(route.body.get("gateway_id")):
            for nat in contents.stack.of_type("aws_nat_gateway"):
                tile = contents.item_of(nat)
                if isinstance(tile, Tile) and contents.item_of(route).key in tile.subnets:
                    yield Flow(tile.key, contents.item_of(gateway).key)


def _metric_flows(contents: Contents) -> Iterator[Flow]:
    """Yield flows from metric filters to the alarms on their metrics."""
    alarms = {
        (alarm.body.get("namespace"), alarm.body.get("metric_name")): contents.item_of(alarm).key
        for alarm in contents.stack.of_type("aws_cloudwatch_metric_alarm")
    }
    for each in contents.stack.of_type("aws_cloudwatch_log_metric_filter"):
        metric = each.body["metric_transformation"]
        if target := alarms.get((metric["namespace"], metric["name"])):
            yield Flow(contents.item_of(each).key, target, style="watch")


def _role_flows(contents: Contents) -> Iterator[Flow]:
    """Yield flows from compute resources to the data that their roles allow.

    Data behind a VPC endpoint is omitted: the endpoint has an arrow to it.
    """
    stack = contents.stack
    behind_endpoint = {
        other.address
        for endpoint in stack.of_type("aws_vpc_endpoint")
        for other in stack.references_in(endpoint.body.get("policy"))
    }
    for policy in stack.of_type("aws_iam_role_policy"):
        source = contents.item_of(policy)
        if not (isinstance(source, Tile) and source.family == "compute"):
            continue
        for other in [*stack.references_in(policy.body["policy"]), *_parameters(contents, policy)]:
            target = contents.item_of(other)
            is_data = isinstance(target, Tile) and target.kind.place == "data"
            if is_data and other.type != "aws_kms_key" and other.address not in behind_endpoint:
                yield Flow(source.key, target.key)


def _parameters(contents: Contents, policy: Resource) -> Iterator[Resource]:
    """Yield the Systems Manager parameters whose paths a policy names."""
    for statement in parse(policy.body["policy"]):
        for arn in statement.resources:
            pattern = arn.rpartition(":")[2]
            for parameter in contents.stack.of_type("aws_ssm_parameter"):
                name = f"parameter{parameter.body['name']}"
                if pattern.startswith("parameter/") and matches(pattern, name):
                    yield parameter
