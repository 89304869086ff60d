"""Builds plans as `terraform show -json` prints them, with one change each."""

from __future__ import annotations

import json
from typing import Any

from tools.plan_review import Plan, Review, evaluate, read

ACTIONS = {
    "create": ["create"],
    "update": ["update"],
    "delete": ["delete"],
    "replace": ["delete", "create"],
    "forget": ["forget"],
    "no-op": ["no-op"],
}
Values = dict[str, Any]


def change(
    kind: str,
    before: Values | None,
    after: Values | None,
    *,
    name: str = "Thing_Resource",
    action: str = "",
    unknown: Any = None,
    sensitive: Any = None,
    **extra: Any,
) -> dict[str, Any]:
    """Return an entry of `resource_changes`; by default `before` and `after` define the action."""
    default = "create" if before is None else "delete" if after is None else "update"
    planned = {
        "actions": ACTIONS[action or default],
        "before": before,
        "after": after,
        "after_unknown": unknown or {},
        "before_sensitive": sensitive or {},
        "after_sensitive": sensitive or {},
    }
    planned |= {key: extra.pop(key) for key in ("replace_paths",) if key in extra}
    entry = {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name}
    return entry | {"change": planned} | extra


def synthesized(*changes: dict[str, Any], **bodies: Values) -> dict[str, Any]:
    """Return the source of the changes: every resource has its own construct path.

    `bodies` are arguments of resources by their name.
    """
    resources: dict[str, Any] = {}
    for one in changes:
        path = f"unit/{one['name'].replace('_', '/')}"
        resource = {"//": {"metadata": {"path": path}}} | bodies.get(one["name"], {})
        resources.setdefault(one["type"], {})[one["name"]] = resource
    return {"provider": {"aws": [{"region": "eu-west-1"}]}, "resource": resources}


def document(*changes: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return the document of a plan; it passes through text, like the output of Terraform."""
    whole = {"format_version": "1.2", "resource_changes": list(changes), **parts}
    parsed: dict[str, Any] = json.loads(json.dumps(whole))
    return parsed


def plan(*changes: dict[str, Any], source: Values | None = None, **parts: Any) -> Plan:
    """Read a plan of the changes with its source."""
    return read(document(*changes, **parts), source or synthesized(*changes), name="unit")


def reviewed(*changes: dict[str, Any], **parts: Any) -> Review:
    """Review a plan of the changes."""
    return evaluate([plan(*changes, **parts)])


def rules(*changes: dict[str, Any], **parts: Any) -> set[str]:
    """Return the names of the rules that apply."""
    return {one.rule.name for one in reviewed(*changes, **parts).findings}


def policy(*statements: Values, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def allow(action: Any, resource: Any = None, **more: Any) -> Values:
    statement = {"Effect": "Allow", "Action": action}
    return statement | ({} if resource is None else {"Resource": resource}) | more


def deny(action: Any, resource: Any = "*", **more: Any) -> Values:
    return {"Effect": "Deny", "Action": action, "Resource": resource} | more
