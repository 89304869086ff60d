"""The changes of a plan, and whether they are acceptable in an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DESTRUCTIVE = ("delete", "replace")


@dataclass(frozen=True, order=True)
class Change:
    """The planned change of one resource."""

    action: str
    """create, update, replace or delete."""
    address: str
    arguments: tuple[str, ...] = ()
    """The arguments that change, without their values."""

    def __str__(self) -> str:
        arguments = f" ({', '.join(self.arguments)})" if self.arguments else ""
        return f"{self.action:<8} {self.address}{arguments}"


def changes(plan: Mapping[str, Any]) -> Iterator[Change]:
    """The changes of managed resources in the JSON of `terraform show`, without no-ops."""
    for resource in plan.get("resource_changes", ()):
        if resource.get("mode") == "data":
            continue
        change = resource["change"]
        actions = change["actions"]
        if actions in (["no-op"], ["read"], ["forget"]):
            continue
        action = "replace" if len(actions) > 1 else actions[0]
        arguments = _changed(change) if action in ("update", "replace") else ()
        yield Change(action, resource["address"], tuple(arguments))


def _changed(change: Mapping[str, Any]) -> Iterator[str]:
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    for name in sorted({*before, *after, *unknown}):
        if _has_unknown(unknown.get(name)) or before.get(name) != after.get(name):
            yield name


def _has_unknown(marks: object) -> bool:
    """Whether a value of `after_unknown`, which can be nested, marks an unknown value."""
    if isinstance(marks, dict):
        return any(map(_has_unknown, marks.values()))
    if isinstance(marks, list):
        return any(map(_has_unknown, marks))
    return bool(marks)


def summary(stack: str, found: Iterable[Change]) -> str:
    """The numbers of changes of a stack, and one line for each."""
    listed = sorted(found)
    words = {"delete": "destroyed", "replace": "replaced", "update": "updated in place"}
    words["create"] = "created"
    counts = [
        f"{sum(change.action == action for change in listed)} {word}"
        for action, word in words.items()
    ]
    return "\n".join([f"{stack}: {', '.join(counts)}", *(f"  {change}" for change in listed)])


def backends_differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two documents keep their states in different places."""
    one, other = (document.get("terraform", {}).get("backend") for document in (before, after))
    return bool(one != other)
