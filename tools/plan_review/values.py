"""Values of a plan after redaction: JSON, and markers for unknown and sensitive values."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

# The result of json.loads, in which `Sensitive` and `UNKNOWN` replace values once a plan is read.
Json: TypeAlias = Any

_KEY = os.urandom(32)


class Unknown:
    """A value that Terraform computes during the apply."""

    def __str__(self) -> str:
        return "(known after apply)"

    __repr__ = __str__


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Sensitive:
    """A value that is not shown; equal to another one if the original values were equal."""

    # The key is random in each process, so the fingerprint reveals nothing outside it.
    fingerprint: str = field(repr=False)
    secret: bool = True

    @classmethod
    def of(cls, value: Json, *, secret: bool = True) -> Sensitive:
        text = json.dumps(value, sort_keys=True, default=str)
        return cls(hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest(), secret)

    def __str__(self) -> str:
        return "(sensitive)" if self.secret else "(not shown)"


def flatten(value: Json, path: str = "") -> dict[str, list[Json]]:
    """Return the values inside a resource by their path, without list indexes."""
    found: dict[str, list[Json]] = {}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            for where, values in flatten(inner, f"{path}.{name}" if path else str(name)).items():
                found.setdefault(where, []).extend(values)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for inner in value:
            for where, values in flatten(inner, path).items():
                found.setdefault(where, []).extend(values)
    else:
        found[path] = [value]
    return found


def as_number(value: Json) -> float | None:
    """Return the number that a value represents, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
