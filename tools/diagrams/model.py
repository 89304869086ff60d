"""The resources of a synthesized stack, and the references between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lib.template import Resource, Template

_REFERENCE = re.compile(r"\b(data\.|local\.)?([A-Za-z]\w*)(?:\.([A-Za-z_][\w-]*))?")


class StackModel:
    """The resources of one stack, in the order of their addresses."""

    def __init__(self, template: Template) -> None:
        self.name = template.stack
        provider = template.document["provider"]["aws"][0]
        self.region: str = provider["region"]
        self.tags: dict[str, str] = provider["default_tags"][0]["tags"]
        self.resources = sorted(template.resources(), key=lambda each: each.address)
        self._by_address = {each.address: each for each in self.resources}
        self._references: dict[str, list[Resource]] = {}
        # Data sources and locals: a reference to one counts as a reference to what it refers to.
        self._indirect: dict[str, object] = {
            each.address: each.body for each in template.data_sources()
        }
        self._indirect |= {
            f"local.{name}": value for name, value in template.document.get("locals", {}).items()
        }

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of these types."""
        return [each for each in self.resources if each.type in types]

    def references_of(self, resource: Resource) -> list[Resource]:
        """Return the resources that any argument of a resource refers to."""
        if resource.address not in self._references:
            self._references[resource.address] = self.references_in(resource.body)
        return self._references[resource.address]

    def references_in(self, value: object) -> list[Resource]:
        """Return the resources that a value of the JSON refers to.

        References through data sources and locals are followed; ``depends_on`` is no reference.
        """
        found: dict[str, Resource] = {}
        queue, visited = [value], set[str]()
        while queue:
            for address in _addresses(queue.pop(0)):
                if address in self._by_address:
                    found[address] = self._by_address[address]
                elif address in self._indirect and address not in visited:
                    visited.add(address)
                    queue.append(self._indirect[address])
        return list(found.values())


def _addresses(value: object) -> Iterator[str]:
    """Yield the addresses in the expressions of a value, whether they exist or not."""
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in ("//", "depends_on")}
    for expression in re.findall(r"\$\{(.*?)\}", json.dumps(value)):
        for prefix, first, second in _REFERENCE.findall(expression):
            if prefix == "local.":
                yield f"local.{first}"
            elif second:
                yield f"{prefix}{first}.{second}"
