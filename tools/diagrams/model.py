"""A stack's synthesized JSON: its resources, and what refers to what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

REFERENCE = re.compile(r"\b(data\.|local\.)?([A-Za-z]\w*)(?:\.([A-Za-z_][\w-]*))?")


@dataclass(frozen=True)
class Resource:
    """One resource; `path` is its construct path without the stack and without `/Resource`."""

    type: str
    name: str
    path: str
    body: dict[str, Any] = field(compare=False)

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}"


class Stack:
    """The resources of one stack's JSON, in the order of their addresses."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.name: str = document["//"]["metadata"]["stackName"]
        provider = document["provider"]["aws"][0]
        self.region: str = provider["region"]
        self.tags: dict[str, str] = provider["default_tags"][0]["tags"]
        self.resources = sorted(self._read(document["resource"]), key=lambda each: each.address)
        self._by_address = {each.address: each for each in self.resources}
        self._references: dict[str, list[Resource]] = {}
        # What stands between two resources: a value that refers to these refers to what they do.
        self._between = {
            f"data.{type_}.{name}": body
            for type_, named in document.get("data", {}).items()
            for name, body in named.items()
        } | {f"local.{name}": value for name, value in document.get("locals", {}).items()}

    def _read(self, block: dict[str, Any]) -> Iterator[Resource]:
        for type_, named in block.items():
            for name, body in named.items():
                path = body["//"]["metadata"]["path"].removeprefix(f"{self.name}/")
                yield Resource(type_, name, path.removesuffix("/Resource"), body)

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        return [each for each in self.resources if each.type in types]

    def references_of(self, resource: Resource) -> list[Resource]:
        """The resources that any argument of a resource refers to."""
        if resource.address not in self._references:
            self._references[resource.address] = self.refers(resource.body)
        return self._references[resource.address]

    def refers(self, value: object) -> list[Resource]:
        """The resources that a value of the JSON refers to, through data sources and locals.

        What a resource merely waits for (`depends_on`) is no reference.
        """
        found: dict[str, Resource] = {}
        waiting, seen = [value], set[str]()
        while waiting:
            for address in _addresses(waiting.pop(0)):
                if address in self._by_address:
                    found[address] = self._by_address[address]
                elif address in self._between and address not in seen:
                    seen.add(address)
                    waiting.append(self._between[address])
        return list(found.values())


def _addresses(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in ("//", "depends_on")}
    for expression in re.findall(r"\$\{(.*?)\}", json.dumps(value)):
        for prefix, first, second in REFERENCE.findall(expression):
            if prefix == "local.":
                yield f"local.{first}"
            elif second:
                yield f"{prefix}{first}.{second}"
