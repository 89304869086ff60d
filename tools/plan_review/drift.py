"""Separates drift from the results of Terraform's own work.

A refresh finds more than drift: a bucket that was read just after its creation does not show the
versioning that another resource configured later. Differences that such a standalone resource in
the state explains are no drift; if that resource itself was changed, it is listed by its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tools.plan_review import network
from tools.plan_review.comparison import equivalent
from tools.plan_review.model import Action, Change, Plan, State
from tools.plan_review.noise import COMPUTED
from tools.plan_review.values import Json

_BUCKET = "aws_s3_bucket"
# Resource type and attribute, and the types of standalone resources that configure the attribute.
STANDALONE_RESOURCES: dict[tuple[str, str], tuple[str, ...]] = {
    (_BUCKET, "acceleration_status"): ("aws_s3_bucket_accelerate_configuration",),
    (_BUCKET, "acl"): ("aws_s3_bucket_acl",),
    (_BUCKET, "cors_rule"): ("aws_s3_bucket_cors_configuration",),
    (_BUCKET, "grant"): ("aws_s3_bucket_acl", "aws_s3_bucket_ownership_controls"),
    (_BUCKET, "lifecycle_rule"): ("aws_s3_bucket_lifecycle_configuration",),
    (_BUCKET, "logging"): ("aws_s3_bucket_logging",),
    (_BUCKET, "object_lock_configuration"): ("aws_s3_bucket_object_lock_configuration",),
    (_BUCKET, "policy"): ("aws_s3_bucket_policy",),
    (_BUCKET, "replication_configuration"): ("aws_s3_bucket_replication_configuration",),
    (_BUCKET, "request_payer"): ("aws_s3_bucket_request_payment_configuration",),
    (_BUCKET, "server_side_encryption_configuration"): (
        "aws_s3_bucket_server_side_encryption_configuration",
    ),
    (_BUCKET, "versioning"): ("aws_s3_bucket_versioning",),
    (_BUCKET, "website"): ("aws_s3_bucket_website_configuration",),
    ("aws_acm_certificate", "status"): ("aws_acm_certificate_validation",),
    ("aws_api_gateway_stage", "web_acl_arn"): ("aws_wafv2_web_acl_association",),
    ("aws_autoscaling_group", "desired_capacity"): ("aws_autoscaling_policy",),
    ("aws_autoscaling_group", "target_group_arns"): ("aws_autoscaling_attachment",),
    ("aws_autoscaling_group", "traffic_source"): ("aws_autoscaling_attachment",),
    ("aws_eip", "association_id"): ("aws_nat_gateway", "aws_eip_association"),
    ("aws_eip", "instance"): ("aws_eip_association",),
    ("aws_eip", "network_interface"): ("aws_nat_gateway", "aws_eip_association"),
    ("aws_eip", "private_dns"): ("aws_nat_gateway", "aws_eip_association"),
    ("aws_eip", "private_ip"): ("aws_nat_gateway", "aws_eip_association"),
    ("aws_kms_key", "policy"): ("aws_kms_key_policy",),
    ("aws_secretsmanager_secret", "policy"): ("aws_secretsmanager_secret_policy",),
    ("aws_sns_topic", "policy"): ("aws_sns_topic_policy",),
    ("aws_sqs_queue", "policy"): ("aws_sqs_queue_policy",),
    ("aws_sqs_queue", "redrive_allow_policy"): ("aws_sqs_queue_redrive_allow_policy",),
    ("aws_sqs_queue", "redrive_policy"): ("aws_sqs_queue_redrive_policy",),
    ("aws_vpc_endpoint", "policy"): ("aws_vpc_endpoint_policy",),
    ("aws_vpc_endpoint", "route_table_ids"): ("aws_vpc_endpoint_route_table_association",),
    ("aws_vpc_endpoint", "security_group_ids"): ("aws_vpc_endpoint_security_group_association",),
    ("aws_vpc_endpoint", "subnet_ids"): ("aws_vpc_endpoint_subnet_association",),
}
_IDENTIFIERS = ("id", "arn", "name", "bucket", "url")


@dataclass(frozen=True)
class Drift:
    """A resource that was changed outside Terraform; `difference` has only what differs."""

    change: Change
    difference: Change


def detect_drift(plan: Plan) -> list[Drift]:
    """Return what was changed outside Terraform, ordered by path."""
    found = [
        Drift(change, difference)
        for change in plan.drift
        if (difference := _difference(change, plan.state))
    ]
    return sorted(found, key=lambda one: (one.change.path, one.change.address))


def _difference(change: Change, state: State) -> Change | None:
    if change.action is Action.DELETE:
        return change
    if change.action is not Action.UPDATE:
        return None
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    for name in sorted(change.before.keys() | change.after.keys()):
        old, new = change.before.get(name), change.after.get(name)
        if equivalent(old, new) or name in COMPUTED or {name, "all"} & change.ignored:
            continue
        tagged = not equivalent(change.before.get("tags"), change.after.get("tags"))
        if name == "tags_all" and tagged:
            continue
        if name not in change.configured:
            if _is_standalone(change, name, state):
                continue
            unexplained = _UNEXPLAINED.get((change.type, name))
            if unexplained:
                old, new = unexplained(change, name, state)
                if equivalent(old, new):
                    continue
        before[name], after[name] = old, new
    return replace(change, before=before, after=after) if after else None


def _is_standalone(change: Change, name: str, state: State) -> bool:
    types = STANDALONE_RESOURCES.get((change.type, name), ())
    return any(True for _ in _standalone(change, types, state))


def _standalone(
    change: Change, types: tuple[str, ...], state: State
) -> Iterator[Mapping[str, Json]]:
    """Yield the values of the resources of some types that refer to this one."""
    own = [change.after.get(name) for name in _IDENTIFIERS]
    identifiers = {one for one in own if one and isinstance(one, str)}
    for type_, values in state:
        if type_ in types and identifiers & {v for v in values.values() if isinstance(v, str)}:
            yield values


Sides = tuple[Json, Json]


def _blocks(change: Change, name: str) -> list[Mapping[str, Json]]:
    value = change.after.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _network_rules(change: Change, name: str, state: State) -> Sides:
    """Return the rules of a group without those that are or were standalone resources."""
    own = change.after.get("id")
    explained: set[network.NetworkRule] = set()
    for type_ in network.SINGLE:
        for values in _standalone(change, (type_,), state):
            if values.get("security_group_id") == own:
                explained |= network.rules(type_, values)
    explained = {
        replace(rule, peer=network.SELF) if rule.peer == own else rule for rule in explained
    }

    def is_unexplained(block: Mapping[str, Json]) -> bool:
        return not network.rules("aws_security_group", {name: [block]}) <= explained

    return [], [block for block in _blocks(change, name) if is_unexplained(block)]


def _inline_policies(change: Change, name: str, state: State) -> Sides:
    named = [one.get("name") for one in _standalone(change, ("aws_iam_role_policy",), state)]
    return [], [one for one in _blocks(change, name) if one.get("name") not in named]


def _attached_policies(change: Change, name: str, state: State) -> Sides:
    types = ("aws_iam_role_policy_attachment",)
    attached = [one.get("policy_arn") for one in _standalone(change, types, state)]
    value = change.after.get(name)
    return [], [one for one in value if one not in attached] if isinstance(value, list) else value


def _routes(change: Change, name: str, state: State) -> Sides:
    explained: set[str] = set()
    for values in _standalone(change, ("aws_route",), state):
        explained |= network.routes("aws_route", values)

    def is_unexplained(block: Mapping[str, Json]) -> bool:
        return not network.routes(change.type, {"route": [block]}) <= explained

    return [], [block for block in _blocks(change, name) if is_unexplained(block)]


# Attributes of which standalone resources configure some elements: the functions return the others.
_UNEXPLAINED: dict[tuple[str, str], Callable[[Change, str, State], Sides]] = {
    ("aws_security_group", "ingress"): _network_rules,
    ("aws_security_group", "egress"): _network_rules,
    ("aws_default_security_group", "ingress"): _network_rules,
    ("aws_default_security_group", "egress"): _network_rules,
    ("aws_iam_role", "inline_policy"): _inline_policies,
    ("aws_iam_role", "managed_policy_arns"): _attached_policies,
    ("aws_route_table", "route"): _routes,
}
