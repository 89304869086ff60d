"""Evaluates the part of EventBridge patterns and input transformers that the stacks use.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping
from typing import Any

NUMERIC = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Return whether the event matches; of an array of objects, whether any of them does."""
    if isinstance(event, list):
        return any(matches(pattern, item) for item in event)
    if not isinstance(event, Mapping):
        return False
    return all(
        matches(wanted, event.get(name))
        if isinstance(wanted, Mapping)
        else name in event and any(_accepts(test, event[name]) for test in wanted)
        for name, wanted in pattern.items()
    )


def _accepts(test: Any, value: Any) -> bool:
    if not isinstance(test, Mapping):
        return bool(test == value)
    ((kind, arguments),) = test.items()
    if kind != "numeric":
        raise ValueError(f"unsupported comparison: {kind}")
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    return isinstance(value, int | float) and all(NUMERIC[how](value, to) for how, to in pairs)


def transform(paths: Mapping[str, str], template: str, event: Mapping[str, Any]) -> Any:
    """The input of the target; `ValueError` for a variable without path or a missing value."""
    declared = {name: str(_at(event, path)) for name, path in paths.items()}
    used = set(re.findall(r"<([\w.-]+)>", template))
    if used != set(declared):
        raise ValueError(f"used {sorted(used)}, declared {sorted(declared)}")
    return json.loads(re.sub(r"<([\w.-]+)>", lambda match: declared[match[1]], template))


def _at(event: Any, path: str) -> Any:
    value = event
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path.removeprefix("$")):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError):
            raise ValueError(f"{path} is missing in the event") from None
    return value
