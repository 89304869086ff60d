"""Compares the input of an operation with its shape in the service model of botocore.

The constraints are types, required members, ``min`` and ``max`` (length of strings, blobs, lists
and maps; value of numbers), ``pattern``, ``enum``, and one member of a union.
"""

# botocore's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.utils import parse_timestamp

from tools.emulator.validation.patterns import matches
from tools.emulator.validation.requests import ApiRequest

Value = Any
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Violation:
    """A member that violates a constraint.

    ``kind`` is type, required, length, range, pattern, enum or union; or the name of a table for
    constraints that the models lack. ``code`` replaces the error code of the service; ``status`` is
    that of the HTTP response.
    """

    path: str
    value: str
    constraint: str
    kind: str
    code: str = ""
    status: int = 400

    def __str__(self) -> str:
        return (
            f"Value {self.value} at '{self.path}' failed to satisfy constraint: {self.constraint}"
        )


def shown(value: Value, *, sensitive: bool = False) -> str:
    """Return a value as it appears in messages: quoted and shortened, or hidden."""
    if sensitive:
        return "(sensitive)"
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"'{text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…'}'"


def violations(request: ApiRequest) -> Iterator[Violation]:
    """Yield every violation of the operation's input shape."""
    if request.input_shape is not None:
        yield from _structure(request.input_shape, request.values, "")


def _compare(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    yield from _CHECKS.get(shape.type_name, _ignore)(shape, value, path)


def _ignore(_shape: Any, _value: Value, _path: str) -> Iterator[Violation]:
    return iter(())


def _wrong_type(shape: Any, value: Value, path: str, expected: str) -> Violation:
    value = shown(value, sensitive=bool(shape.metadata.get("sensitive")))
    return Violation(path, value, f"Member must be {expected}", "type")


def _structure(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if shape.is_document_type:
        return
    if not isinstance(value, dict):
        yield _wrong_type(shape, value, path, "a structure")
        return
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield Violation(f"{prefix}{name}", "null", "Member must not be null", "required")
    if shape.is_tagged_union and len(value) != 1:
        constraint = f"Exactly one member must be set: {', '.join(shape.members)}"
        yield Violation(path, shown(sorted(value)), constraint, "union")
    for name, one in value.items():
        yield from _compare(shape.members[name], one, f"{prefix}{name}")


def _list(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield _wrong_type(shape, value, path, "a list")
        return
    yield from _bounds(shape, len(value), value, path, "length")
    for number, one in enumerate(value):
        yield from _compare(shape.member, one, f"{path}[{number}]")


def _map(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield _wrong_type(shape, value, path, "a map")
        return
    yield from _bounds(shape, len(value), value, path, "length")
    for key, one in value.items():
        yield from _compare(shape.key, key, f"{path}.key")
        yield from _compare(shape.value, one, f"{path}[{key!r}]")


def _string(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        yield _wrong_type(shape, value, path, "a string")
        return
    sensitive = bool(shape.metadata.get("sensitive"))
    yield from _bounds(shape, len(value), value, path, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not matches(pattern, value):
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
        yield Violation(path, shown(value, sensitive=sensitive), constraint, "pattern")
    if shape.enum and value not in shape.enum:
        constraint = f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        yield Violation(path, shown(value, sensitive=sensitive), constraint, "enum")


def _number(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    convert: Callable[[Value], float] = (
        float if shape.type_name in ("float", "double") else _integer
    )
    try:
        number = convert(value)
    except (TypeError, ValueError):
        expected = "an integer" if convert is _integer else "a number"
        yield _wrong_type(shape, value, path, expected)
        return
    yield from _bounds(shape, number, value, path, "range")


def _integer(value: Value) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _boolean(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if not isinstance(value, bool) and value not in ("true", "false", "True", "False"):
        yield _wrong_type(shape, value, path, "true or false")


def _timestamp(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    try:
        parse_timestamp(value)
    except (TypeError, ValueError, RuntimeError):
        yield _wrong_type(shape, value, path, "a timestamp")


def _blob(shape: Any, value: Value, path: str) -> Iterator[Violation]:
    if isinstance(value, str):
        try:
            value = base64.b64decode(value)
        except (ValueError, binascii.Error):
            yield _wrong_type(shape, value, path, "base64")
            return
    if isinstance(value, bytes):
        yield from _bounds(shape, len(value), value, path, "length")


def _bounds(shape: Any, number: float, value: Value, path: str, kind: str) -> Iterator[Violation]:
    subject = "have length" if kind == "length" else "have value"
    sensitive = bool(shape.metadata.get("sensitive"))
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and number < minimum:
        constraint = f"Member must {subject} greater than or equal to {minimum}"
        yield Violation(path, shown(value, sensitive=sensitive), constraint, kind)
    if maximum is not None and number > maximum:
        constraint = f"Member must {subject} less than or equal to {maximum}"
        yield Violation(path, shown(value, sensitive=sensitive), constraint, kind)


_CHECKS: dict[str, Callable[[Any, Value, str], Iterator[Violation]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "char": _string,
    "integer": _number,
    "long": _number,
    "short": _number,
    "byte": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
