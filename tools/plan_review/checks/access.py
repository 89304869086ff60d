"""Checks for network rules, routes, policies and other grants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from lib.iam_policy import PolicyError, is_policy
from tools.plan_review import network
from tools.plan_review.comparison import equivalent, format_difference, format_value, parse_json
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Action, Change
from tools.plan_review.noise import significant_differences
from tools.plan_review.policies import PolicyChange, has_wildcard_permissions
from tools.plan_review.values import Json, Unknown

T = TypeVar("T")

IAM_PREFIX = "aws_iam_"
# Resource types that grant access by attributes instead of a policy document.
GRANTS = {
    "aws_iam_role_policy_attachment": ("role", "policy_arn"),
    "aws_iam_user_policy_attachment": ("user", "policy_arn"),
    "aws_iam_group_policy_attachment": ("group", "policy_arn"),
    "aws_iam_policy_attachment": ("policy_arn", "roles", "users", "groups"),
    "aws_iam_group_membership": ("group", "users"),
    "aws_iam_instance_profile": ("role",),
    "aws_kms_grant": ("grantee_principal", "operations", "key_id"),
    "aws_lambda_permission": (
        *("action", "principal", "source_arn", "source_account", "principal_org_id"),
        "function_url_auth_type",
    ),
    "aws_vpc_peering_connection": ("vpc_id", "peer_vpc_id", "peer_owner_id", "peer_region"),
    "aws_ram_principal_association": ("principal", "resource_share_arn"),
}
ADMINISTRATOR_POLICIES = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
POLICY_ATTRIBUTES = (
    *("policy", "assume_role_policy", "access_policy", "access_policies", "inline_policy"),
    *("policy_document", "resource_policy", "repository_policy"),
)
# The policies of these types restrict what passes an endpoint; they grant no access.
ENDPOINT_POLICIES = ("aws_vpc_endpoint", "aws_vpc_endpoint_policy")


def changed_access(change: Change) -> Iterator[Evidence]:
    """Yield changes of network rules, routes, policies and grants, or of IAM otherwise."""
    found = [
        *changed_network(change),
        *changed_policies(change),
        *_changed_boundary(change),
        *_changed_grants(change),
    ]
    yield from found
    if not found and change.type.startswith(IAM_PREFIX):
        yield from _changed_iam(change)


def _changed_iam(change: Change) -> Iterator[Evidence]:
    """Yield other changes of IAM: users, keys, identity providers, settings of roles."""
    if change.action in (Action.CREATE, Action.UPDATE):
        updated = change.action is Action.UPDATE
        differences = significant_differences(change) if updated else []
        lines = (format_difference(one.path, one.before, one.after) for one in differences)
        yield Evidence("access-changed", lines=tuple(lines))


# ---- the network --------------------------------------------------------------------------------


def changed_network(change: Change) -> Iterator[Evidence]:
    """Yield the network rules and routes that are added or removed."""
    old = network.rules(change.type, change.before)
    new = network.rules(change.type, change.after)
    removed, added = old - new, new - old
    if removed or added:
        wider = [rule for rule in added if rule.allows and not any(o.covers(rule) for o in old)]
        wider += [rule for rule in removed if not rule.allows]
        name = "access-widened" if wider else "access-narrowed"
        if any(rule.is_public_ingress for rule in wider):
            name = "public-ingress"
        kept = [f"  {rule}" for rule in sorted(map(str, old & new))]
        yield Evidence(name, lines=(*kept, *_signed(removed, added)), diff=True)
    elif _has_unknown_rules(change):
        yield Evidence("access-unknown")
    old_routes = network.routes(change.type, change.before)
    new_routes = network.routes(change.type, change.after)
    if old_routes != new_routes:
        name = "access-widened" if new_routes - old_routes else "access-narrowed"
        lines = _signed(old_routes - new_routes, new_routes - old_routes)
        yield Evidence(name, lines=tuple(lines), diff=True)


def _has_unknown_rules(change: Change) -> bool:
    blocks = (change.after.get("ingress"), change.after.get("egress"))
    in_group = change.type in network.GROUPS and change.action is not Action.CREATE
    return in_group and any(isinstance(block, Unknown) for block in blocks)


def _signed(removed: frozenset[T], added: frozenset[T]) -> list[str]:
    return [f"- {one}" for one in sorted(map(str, removed))] + [
        f"+ {one}" for one in sorted(map(str, added))
    ]


# ---- policies -----------------------------------------------------------------------------------


def changed_policies(change: Change) -> Iterator[Evidence]:
    """Yield the statements of policies that are added or removed, by policy document."""
    for attribute in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(attribute), change.after.get(attribute)
        if equivalent(before, after):
            continue
        if isinstance(after, Unknown) or _is_only_reference(after):
            # AWS or another resource sets the attributes that the code does not set.
            ours = attribute in POLICY_ATTRIBUTES and attribute in change.configured
            if ours and change.action is not Action.DELETE:
                line = format_difference(attribute, before, after)
                yield Evidence("access-unknown", lines=(line,))
            continue
        old = dict(_documents(parse_json(before), attribute))
        new = dict(_documents(parse_json(after), attribute))
        for path in sorted(old.keys() | new.keys()):
            try:
                difference = PolicyChange.between(old.get(path), new.get(path))
            except PolicyError as error:
                yield Evidence("access-unknown", f"{path} is not a valid policy: {error}")
                continue
            if difference:
                rule = _policy_rule(change, path, difference)
                yield Evidence(rule, _policy_label(path), tuple(difference.lines()), diff=True)


def _documents(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    """Yield every policy inside a value, with the path to it."""
    if is_policy(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _documents(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            # The name of a block identifies it better than its index, which may change.
            label = inner.get("name", n) if isinstance(inner, Mapping) else n
            yield from _documents(inner, f"{name}[{label}]")


def _policy_label(path: str) -> str:
    return {"policy": "", "assume_role_policy": "trust policy"}.get(path, path)


def _is_only_reference(value: Json) -> bool:
    return isinstance(value, str) and value.startswith("${")


def _policy_rule(change: Change, path: str, difference: PolicyChange) -> str:
    identity = change.type.startswith(IAM_PREFIX) and path != "assume_role_policy"
    public = any(one.public for one in difference.added)
    if public and change.type not in ENDPOINT_POLICIES:
        return "public"
    if any(has_wildcard_permissions(one, identity=identity) for one in difference.added):
        return "wildcard-permissions"
    if difference.widened:
        return "access-widened"
    only_denials = not any(one.allows for one in (*difference.removed, *difference.added))
    return "access-narrowed" if only_denials else "access-changed"


# ---- grants of other kinds ----------------------------------------------------------------------


def _changed_grants(change: Change) -> Iterator[Evidence]:
    names = GRANTS.get(change.type)
    if names is None or change.action is Action.READ:
        return
    old, new = (
        {f"{name} {format_value(values[name])}" for name in names if values.get(name)}
        for values in (change.before, change.after)
    )
    if old == new:
        return
    kept = tuple(f"  {one}" for one in sorted(old & new)) if old and new else ()
    lines = (*kept, *_signed(frozenset(old - new), frozenset(new - old)))
    yield Evidence(_grant_rule(change, old, new), lines=lines, diff=True)


def _grant_rule(change: Change, old: set[str], new: set[str]) -> str:
    added = new - old
    if any(one.rpartition("/")[2] in ADMINISTRATOR_POLICIES for one in added):
        return "wildcard-permissions"
    if change.type == "aws_lambda_permission" and "principal *" in new:
        restricted = {"source_arn", "source_account", "principal_org_id"}
        if not restricted & {one.partition(" ")[0] for one in new}:
            return "public"
    return "access-widened" if added else "access-changed"


def _changed_boundary(change: Change) -> Iterator[Evidence]:
    before = change.before.get("permissions_boundary")
    after = change.after.get("permissions_boundary")
    if change.action is Action.UPDATE and not equivalent(before, after):
        name = "access-changed" if after else "access-widened"
        line = format_difference("permissions_boundary", before, after)
        yield Evidence(name, lines=(line,))
