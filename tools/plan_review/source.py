"""Reads from the source of a plan what `terraform show -json` does not contain.

The source is the synthesized JSON (`cdk.tf.json`). Without it, the plan's own `configuration` names
the attributes that the code sets; construct paths and suppressions are then unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lib.template import Resource, Template
from tools.plan_review.document import Fields
from tools.plan_review.values import Json

_HASH = re.compile(r"_[0-9A-F]{8}$")
# A module in an address, with its index or key.
_MODULE = re.compile(r'(?:^|\.)module\.([\w-]+)(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?')


class Source:
    """The synthesized JSON of a stack."""

    def __init__(self, document: Mapping[str, Json], fields: Fields) -> None:
        try:
            template = Template(dict(document))
            self._resources = {(one.type, one.name): one for one in template.resources()}
            self._suppressions = {one.address: one.suppressions for one in template.resources()}
        except (AttributeError, KeyError, TypeError) as error:
            raise fields.error("a document of another structure") from error
        self.stack = str(template.stack)
        providers = fields.mapping(document.get("provider"), "provider").get("aws")
        aws = next(iter(fields.mappings(providers, "provider.aws")), ("", {}))[1]
        self.region = str(aws.get("region") or "")

    def body(self, entry: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the body of the resource of a plan's entry; empty if it is not in the source."""
        found = self._find(entry)
        return found.body if found else {}

    def path(self, entry: Mapping[str, Json], plan: str) -> str:
        """Return the construct path of a resource; if it left the code, derive it from its name."""
        found = self._find(entry)
        if found:
            return f"{self.stack}/{found.path}" if self.stack else found.path
        # cdktf names a resource after its construct path, followed by a hash.
        return f"{plan}/" + _HASH.sub("", str(entry.get("name"))).replace("_", "/")

    def suppressions(self, entry: Mapping[str, Json]) -> Mapping[str, str]:
        """Return the reasons of the suppressions of a resource, each with its month."""
        found = self._find(entry)
        suppressions = self._suppressions[found.address] if found else {}
        return {name: f"{one.reason} (since {one.since})" for name, one in suppressions.items()}

    def _find(self, entry: Mapping[str, Json]) -> Resource | None:
        if entry.get("module_address"):
            return None
        return self._resources.get((str(entry["type"]), str(entry.get("name"))))


class Configuration:
    """The `configuration` of a plan: the attributes that each resource block sets."""

    def __init__(self, document: Mapping[str, Json], fields: Fields) -> None:
        self._fields = fields
        self._attributes: dict[tuple[str, str], frozenset[str]] = {}
        root = fields.mapping(document.get("root_module"), "configuration.root_module")
        self._read(root, (), "configuration.root_module")

    def _read(self, module: Mapping[str, Json], names: tuple[str, ...], path: str) -> None:
        fields = self._fields
        for where, resource in fields.mappings(module.get("resources"), f"{path}.resources"):
            address = str(resource.get("address") or "")
            expressions = fields.mapping(resource.get("expressions"), f"{where}.expressions")
            self._attributes[".".join(names), address] = frozenset(expressions)
        for name, where, call in fields.named(module.get("module_calls"), f"{path}.module_calls"):
            inner = fields.mapping(call.get("module"), f"{where}.module")
            self._read(inner, (*names, name), f"{where}.module")

    def attributes(self, entry: Mapping[str, Json]) -> frozenset[str]:
        """Return the attributes that the block of a plan's entry sets."""
        module = _module_names(str(entry.get("module_address") or ""))
        return self._attributes.get((module, f"{entry['type']}.{entry.get('name')}"), frozenset())


def _module_names(address: str) -> str:
    """Return the module names in an address: `module.a[0].module.b["x.y"]` gives `a.b`."""
    return ".".join(_MODULE.findall(address))


def ignored_changes(body: Mapping[str, Json]) -> frozenset[str]:
    """Return the attributes in `ignore_changes` of a resource body; `all` means every one."""
    lifecycle = body.get("lifecycle")
    block = lifecycle[0] if isinstance(lifecycle, list) and lifecycle else lifecycle
    names = block.get("ignore_changes") if isinstance(block, Mapping) else None
    if isinstance(names, list):
        return frozenset(map(str, names))
    return frozenset([names] if isinstance(names, str) else [])
