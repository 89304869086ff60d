"""Tells what somebody changed outside Terraform from the echo of Terraform's own work.

A refresh finds more than drift: a bucket read just after it was made does not know yet of the
versioning that another resource gave it. What such a companion in the state accounts for is no
drift; if the companion itself was changed, it is listed under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tools.plan_review import network, tables
from tools.plan_review.comparing import same
from tools.plan_review.masking import Json
from tools.plan_review.reading import Action, Change, Plan

_BUCKET = "aws_s3_bucket"
# Attribute of a type, and the types of resources that speak for it.
COMPANIONS: dict[tuple[str, str], tuple[str, ...]] = {
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
_IDENTITIES = ("id", "arn", "name", "bucket", "url")
State = tuple[tuple[str, Mapping[str, Json]], ...]


@dataclass(frozen=True)
class Drift:
    """A resource that is not as Terraform left it; ``shown`` has only what is different."""

    change: Change
    shown: Change


def drift(plan: Plan) -> list[Drift]:
    """What was changed outside, in the order of the constructs' paths."""
    found = [Drift(change, shown) for change in plan.drift if (shown := _left(change, plan.state))]
    return sorted(found, key=lambda one: (one.change.path, one.change.address))


def _left(change: Change, state: State) -> Change | None:
    if change.action is Action.DELETE:
        return change
    if change.action is not Action.UPDATE:
        return None
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    for name in sorted(change.before.keys() | change.after.keys()):
        old, new = change.before.get(name), change.after.get(name)
        if same(old, new) or name in tables.COMPUTED or {name, "all"} & change.ignored:
            continue
        tagged = not same(change.before.get("tags"), change.after.get("tags"))
        if name == "tags_all" and tagged:
            continue
        if name not in change.set_in_code and _spoken_for(change, name, state):
            continue
        subtract = _SUBTRACT.get((change.type, name))
        if subtract and name not in change.set_in_code:
            old, new = subtract(change, name, state)
            if same(old, new):
                continue
        before[name], after[name] = old, new
    return replace(change, before=before, after=after) if after else None


def _spoken_for(change: Change, name: str, state: State) -> bool:
    kinds = COMPANIONS.get((change.type, name), ())
    return any(True for _ in _companions(change, kinds, state))


def _companions(
    change: Change, kinds: tuple[str, ...], state: State
) -> Iterator[Mapping[str, Json]]:
    """Yield the resources of some types that name this one."""
    mine = {change.after.get(name) for name in _IDENTITIES if change.after.get(name)}
    for kind, values in state:
        if kind in kinds and mine & {one for one in values.values() if isinstance(one, str)}:
            yield values


Sides = tuple[Json, Json]


def _rules(change: Change, name: str, state: State) -> Sides:
    """A group's rules without those that are resources of their own, or were once."""
    own = change.after.get("id")
    accounted: set[network.NetworkRule] = set()
    for kind in network.SINGLE:
        for values in _companions(change, (kind,), state):
            if values.get("security_group_id") == own:
                accounted |= network.rules(kind, values)
    accounted = {
        replace(rule, peer="the group itself") if rule.peer == own else rule for rule in accounted
    }

    def unaccounted(block: Mapping[str, Json]) -> bool:
        return not network.rules("aws_security_group", {name: [block]}) <= accounted

    return [], [block for block in change.after.get(name) or [] if unaccounted(block)]


def _inline_policies(change: Change, name: str, state: State) -> Sides:
    named = {one.get("name") for one in _companions(change, ("aws_iam_role_policy",), state)}
    return [], [one for one in change.after.get(name) or [] if one.get("name") not in named]


def _attached_policies(change: Change, name: str, state: State) -> Sides:
    kinds = ("aws_iam_role_policy_attachment",)
    attached = {one.get("policy_arn") for one in _companions(change, kinds, state)}
    return [], [one for one in change.after.get(name) or [] if one not in attached]


def _routes(change: Change, name: str, state: State) -> Sides:
    accounted: set[str] = set()
    for values in _companions(change, ("aws_route",), state):
        accounted |= network.routes("aws_route", values)

    def unaccounted(block: Mapping[str, Json]) -> bool:
        return not network.routes(change.type, {"route": [block]}) <= accounted

    return [], [block for block in change.after.get(name) or [] if unaccounted(block)]


# Of these some may be a companion's and some somebody's: what is nobody's is left.
_SUBTRACT: dict[tuple[str, str], Callable[[Change, str, State], Sides]] = {
    ("aws_security_group", "ingress"): _rules,
    ("aws_security_group", "egress"): _rules,
    ("aws_default_security_group", "ingress"): _rules,
    ("aws_default_security_group", "egress"): _rules,
    ("aws_iam_role", "inline_policy"): _inline_policies,
    ("aws_iam_role", "managed_policy_arns"): _attached_policies,
    ("aws_route_table", "route"): _routes,
}
