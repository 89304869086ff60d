"""Differences between two JSON documents as a JSON Patch (RFC 6902): `add`, `remove`, `replace`."""

from __future__ import annotations

import copy
from typing import Any

Json = Any
Operation = dict[str, Any]


def difference(before: Json, after: Json, path: str = "") -> list[Operation]:
    """The operations that turn `before` into `after`, ordered by path.

    Lists of different length are replaced as a whole unless one starts with the other.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in sorted({*before, *after}):
            place = f"{path}/{_escaped(key)}"
            if key not in after:
                found.append({"op": "remove", "path": place})
            elif key not in before:
                found.append({"op": "add", "path": place, "value": after[key]})
            else:
                found += difference(before[key], after[key], place)
        return found
    if isinstance(before, list) and isinstance(after, list):
        common = min(len(before), len(after))
        if len(before) == len(after):
            pairs = enumerate(zip(before, after, strict=True))
            return [one for index, pair in pairs for one in difference(*pair, f"{path}/{index}")]
        if _same(before[:common], after[:common]):
            # Each removal moves the elements behind it, so it always removes the same index.
            removed = [{"op": "remove", "path": f"{path}/{common}"}] * (len(before) - common)
            return removed + [
                {"op": "add", "path": f"{path}/-", "value": value} for value in after[common:]
            ]
    return [] if _same(before, after) else [{"op": "replace", "path": path, "value": after}]


def apply(document: Json, operations: list[Operation]) -> Json:
    """A copy of a document after operations of `difference`."""
    root = {"": copy.deepcopy(document)}
    for operation in operations:
        *parents, last = [_unescaped(part) for part in operation["path"].split("/")]
        target: Any = root
        for part in parents:
            target = target[int(part) if isinstance(target, list) else part]
        if operation["op"] == "remove":
            del target[int(last) if isinstance(target, list) else last]
        elif isinstance(target, list) and last == "-":
            target.append(operation["value"])
        else:
            target[int(last) if isinstance(target, list) else last] = operation["value"]
    return root[""]


def _same(one: Json, other: Json) -> bool:
    """Equality as in JSON: `true` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
