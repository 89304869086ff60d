"""Plans as `terraform show -json` writes them, made by hand for one change each."""

from __future__ import annotations

import json
from typing import Any

from tools.plan_review import Plan, Review, read, review

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
    """One entry of `resource_changes`; the action follows from what is there before and after."""
    found = "create" if before is None else "delete" if after is None else "update"
    told = {
        "actions": ACTIONS[action or found],
        "before": before,
        "after": after,
        "after_unknown": unknown or {},
        "before_sensitive": sensitive or {},
        "after_sensitive": sensitive or {},
    }
    told |= {key: extra.pop(key) for key in ("replace_paths",) if key in extra}
    entry = {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name}
    return entry | {"change": told} | extra


def synthesized(*changes: dict[str, Any], **written: Values) -> dict[str, Any]:
    """What would have been planned: every resource under a construct's path of its own."""
    resources: dict[str, Any] = {}
    for one in changes:
        path = f"unit/{one['name'].replace('_', '/')}"
        resource = {"//": {"metadata": {"path": path}}} | written.get(one["name"], {})
        resources.setdefault(one["type"], {})[one["name"]] = resource
    return {"provider": {"aws": [{"region": "eu-west-1"}]}, "resource": resources}


def plan(*changes: dict[str, Any], document: Values | None = None, **parts: Any) -> Plan:
    whole = {"format_version": "1.2", "resource_changes": list(changes), **parts}
    # Through text, as Terraform's comes.
    return read("unit", json.loads(json.dumps(whole)), document or synthesized(*changes))


def reviewed(*changes: dict[str, Any], **parts: Any) -> Review:
    return review([plan(*changes, **parts)])


def rules(*changes: dict[str, Any], **parts: Any) -> set[str]:
    """The names of the rules that apply."""
    return {one.rule.name for one in reviewed(*changes, **parts).findings}


def policy(*statements: Values, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def allow(action: Any, resource: Any = None, **more: Any) -> Values:
    statement = {"Effect": "Allow", "Action": action}
    return statement | ({} if resource is None else {"Resource": resource}) | more


def deny(action: Any, resource: Any = "*", **more: Any) -> Values:
    return {"Effect": "Deny", "Action": action, "Resource": resource} | more
