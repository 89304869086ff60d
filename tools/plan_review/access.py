"""Finds what opens access: rules of the network, policies, and grants of other kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from tools.plan_review import network, noise, tables
from tools.plan_review.comparing import arrow, is_policy, opened, same, shown
from tools.plan_review.findings import Finding
from tools.plan_review.masking import Json, Unknown
from tools.plan_review.policies import PolicyChange, statements
from tools.plan_review.reading import Action, Change
from tools.plan_review.verdict import RULES, Rule

T = TypeVar("T")


def findings(change: Change) -> Iterator[Finding]:
    """Yield the findings about who may reach or do what."""
    found = [*_network(change), *_policies(change), *_grants(change)]
    yield from found
    if not found and change.type.startswith(tables.IAM_PREFIX):
        yield from _other_of_iam(change)


def _other_of_iam(change: Change) -> Iterator[Finding]:
    """Users, keys, identity providers and the settings of roles are access too."""
    if change.action in (Action.CREATE, Action.UPDATE):
        updated = change.action is Action.UPDATE
        differences = noise.real(change) if updated else []
        lines = (arrow(one.path, one.before, one.after) for one in differences)
        yield Finding(RULES["access-changed"], change, lines=tuple(lines))


# ---- the network --------------------------------------------------------------------------------


def _network(change: Change) -> Iterator[Finding]:
    old = network.rules(change.type, change.before)
    new = network.rules(change.type, change.after)
    gone, came = old - new, new - old
    if gone or came:
        wider = [rule for rule in came if rule.allows and not any(o.covers(rule) for o in old)]
        wider += [rule for rule in gone if not rule.allows]
        name = "access-widened" if wider else "access-narrowed"
        if any(rule.open_to_everywhere for rule in wider):
            name = "open-ingress"
        kept = [f"  {rule}" for rule in sorted(map(str, old & new))]
        yield Finding(RULES[name], change, lines=(*kept, *_signed(gone, came)), diff=True)
    elif _unknown_rules(change):
        yield Finding(RULES["access-unknown"], change)
    had = network.routes(change.type, change.before)
    has = network.routes(change.type, change.after)
    if had != has:
        name = "access-widened" if has - had else "access-narrowed"
        yield Finding(RULES[name], change, lines=tuple(_signed(had - has, has - had)), diff=True)


def _unknown_rules(change: Change) -> bool:
    blocks = (change.after.get("ingress"), change.after.get("egress"))
    in_group = change.type in network.GROUPS and change.action is not Action.CREATE
    return in_group and any(isinstance(block, Unknown) for block in blocks)


def _signed(gone: frozenset[T], came: frozenset[T]) -> list[str]:
    return [f"- {one}" for one in sorted(map(str, gone))] + [
        f"+ {one}" for one in sorted(map(str, came))
    ]


# ---- policies -----------------------------------------------------------------------------------


def _documents(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    """Yield every policy inside a value, with the path to it."""
    if is_policy(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _documents(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            # A block's own name says more than its place, which changes.
            label = inner.get("name", n) if isinstance(inner, Mapping) else n
            yield from _documents(inner, f"{name}[{label}]")


def _policies(change: Change) -> Iterator[Finding]:
    attributes = sorted(change.before.keys() | change.after.keys())
    for attribute in attributes:
        before, after = change.before.get(attribute), change.after.get(attribute)
        if same(before, after):
            continue
        if isinstance(after, Unknown) or _only_reference(after):
            # What the code leaves open, AWS or another resource fills in.
            ours = attribute in tables.POLICY_ATTRIBUTES and attribute in change.set_in_code
            if ours and change.action is not Action.DELETE:
                line = arrow(attribute, before, after)
                yield Finding(RULES["access-unknown"], change, lines=(line,))
            continue
        old = dict(_documents(opened(before), attribute))
        new = dict(_documents(opened(after), attribute))
        for path in sorted(old.keys() | new.keys()):
            difference = PolicyChange.between(old.get(path), new.get(path))
            if difference:
                rule = _policy_rule(change, path, difference)
                note = "" if path in ("policy", "assume_role_policy") else path
                note = "who may assume it" if path == "assume_role_policy" else note
                yield Finding(rule, change, note, tuple(difference.lines()), diff=True)


def _only_reference(value: Json) -> bool:
    return isinstance(value, str) and value.startswith("${") and not statements(value)


def _policy_rule(change: Change, path: str, difference: PolicyChange) -> Rule:
    identity = change.type.startswith(tables.IAM_PREFIX) and path != "assume_role_policy"
    everyone = any(one.for_everyone for one in difference.came)
    if everyone and change.type not in tables.FILTERS:
        return RULES["public"]
    if any(one.wildcard(identity=identity) for one in difference.came):
        return RULES["wildcard-allow"]
    if difference.widened:
        return RULES["access-widened"]
    only_refusals = not any(one.allows for one in (*difference.gone, *difference.came))
    return RULES["access-narrowed" if only_refusals else "access-changed"]


# ---- grants of other kinds ----------------------------------------------------------------------


def _grants(change: Change) -> Iterator[Finding]:
    yield from _boundary(change)
    names = tables.GRANTS.get(change.type)
    if names is None or change.action is Action.READ:
        return
    old = {f"{name} {shown(change.before[name])}" for name in names if change.before.get(name)}
    new = {f"{name} {shown(change.after[name])}" for name in names if change.after.get(name)}
    if old == new:
        return
    kept = tuple(f"  {one}" for one in sorted(old & new)) if old and new else ()
    lines = (*kept, *_signed(frozenset(old - new), frozenset(new - old)))
    yield Finding(_grant_rule(change, old, new), change, lines=lines, diff=True)


def _grant_rule(change: Change, old: set[str], new: set[str]) -> Rule:
    came = new - old
    if any(one.rpartition("/")[2] in tables.TOO_MUCH for one in came):
        return RULES["wildcard-allow"]
    if change.type == "aws_lambda_permission" and "principal *" in new:
        narrowed = {"source_arn", "source_account", "principal_org_id"}
        if not narrowed & {one.partition(" ")[0] for one in new}:
            return RULES["public"]
    return RULES["access-widened" if came else "access-changed"]


def _boundary(change: Change) -> Iterator[Finding]:
    before = change.before.get("permissions_boundary")
    after = change.after.get("permissions_boundary")
    if change.action is Action.UPDATE and not same(before, after):
        name = "access-widened" if not after else "access-changed"
        line = arrow("permissions_boundary", before, after)
        yield Finding(RULES[name], change, lines=(line,))
