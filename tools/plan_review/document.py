"""Loads a plan file and checks the structure of its JSON, so that wrong input gives one error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.errors import ToolError
from tools.plan_review.values import Json

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_REMEDY = "Create the file with `terraform show -json PLAN_FILE`"


class Fields:
    """Accessors for the members of an untrusted JSON document.

    `name` identifies the document in error messages. A missing or null member is an empty one.
    """

    def __init__(self, name: str, accepted: str, remedy: str) -> None:
        self.name, self._accepted, self._remedy = name, accepted, remedy

    def error(self, received: str) -> ToolError:
        return ToolError(
            f"{self.name}: received {received}; accepted: {self._accepted}. {self._remedy}."
        )

    def mapping(self, value: Json, path: str) -> Mapping[str, Json]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(f"{_type_name(value)} at `{path}` instead of an object")
        return value

    def sequence(self, value: Json, path: str) -> Sequence[Json]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(f"{_type_name(value)} at `{path}` instead of a list")
        return value

    def text(self, value: Json, path: str) -> str:
        if not isinstance(value, str):
            raise self.error(f"{_type_name(value)} at `{path}` instead of a text")
        return value

    def mappings(self, value: Json, path: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """Yield the objects of a list, each with its path."""
        for number, inner in enumerate(self.sequence(value, path)):
            where = f"{path}[{number}]"
            yield where, self.mapping(inner, where)

    def named(self, value: Json, path: str) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Yield the objects of an object: name, path and object."""
        for name, inner in self.mapping(value, path).items():
            where = f"{path}.{name}"
            yield name, where, self.mapping(inner, where)


def plan_fields(name: str) -> Fields:
    """Return the accessors for a plan of this name."""
    return Fields(f"plan {name}", "the output of `terraform show -json` for a plan", _REMEDY)


def source_fields(name: str) -> Fields:
    """Return the accessors for the synthesized source of a plan."""
    return Fields(f"source of {name}", "the `cdk.tf.json` that was planned", "Name that file")


def load(path: str, fields: Fields) -> Mapping[str, Json]:
    """Read a JSON object from a file, or from standard input if `path` is `-`."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise fields.error(f"a file that cannot be read ({reason})") from error
    if raw.startswith(b"PK"):
        raise fields.error("a binary plan file or another zip archive")
    try:
        text = raw.decode("utf-8-sig")
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fields.error(f"a file that is not JSON ({error})") from error
    if not isinstance(document, Mapping):
        raise fields.error(f"{_type_name(document)} instead of an object")
    return _without_surrogates(document) if _SURROGATE.search(text) else document


def _without_surrogates(value: Json) -> Json:
    """Replace lone surrogates, which JSON permits and UTF-8 does not."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    return value


def _type_name(value: Json) -> str:
    names = {
        list: "a list",
        str: "a text",
        bool: "a boolean",
        type(None): "null",
        dict: "an object",
    }
    return names.get(type(value), "a number")
