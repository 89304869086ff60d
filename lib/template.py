"""A synthesized stack, looked at by resource type and construct path."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from lib.settings import Settings

# What a document holds at any place.
Json = Any
PROVIDERS = {"aws": "cdktf_cdktf_provider_aws", "random": "cdktf_cdktf_provider_random"}


@functools.cache
def arguments_of(type_: str, module: str = "") -> frozenset[str]:
    """The arguments that the provider's schema gives a resource type; none for an unknown one.

    `module` is the bindings' module, where it is not called as the type is.
    """
    provider, _, own_name = type_.partition("_")
    name = f"{PROVIDERS.get(provider)}.{module or own_name}"
    if provider not in PROVIDERS or not importlib.util.find_spec(name):
        return frozenset()
    # Here, as it starts Node, which whoever reads no schema can do without.
    from cdktf import TerraformDataSource, TerraformResource

    kinds = (TerraformResource, TerraformDataSource)
    for found in vars(importlib.import_module(name)).values():
        # Asking the class for its TF_RESOURCE_TYPE would ask Node, at 2 ms a type.
        if inspect.isclass(found) and issubclass(found, kinds) and found.__module__ == name:
            # jsii calls the parameters of every construct `self, scope, id_`.
            return frozenset([*inspect.signature(found.__init__).parameters][3:])
    return frozenset()


def listed(value: Json) -> list[Json]:
    """Terraform's and IAM's "one or many", always as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def strings(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a value, with where it stands; the construct metadata is left out."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "//":
                yield from strings(inner, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strings(inner, f"{path}[{number}]")


class Suppression(NamedTuple):
    """Why a rule or check does not apply to a resource, and the month (YYYY-MM) of that decision."""

    reason: str
    since: str


@dataclass(frozen=True)
class Resource:
    """One resource: `path` is its construct path without the stack and without `/Resource`."""

    type: str
    name: str
    path: str
    body: dict[str, Any]
    is_data: bool = False

    @property
    def address(self) -> str:
        return f"{'data.' if self.is_data else ''}{self.type}.{self.name}"

    def __str__(self) -> str:
        return f"{self.address} ({self.path})"

    def __getitem__(self, argument: str) -> Json:
        if argument not in self.body:
            raise KeyError(f"{self}: {argument} is not set; it has {sorted(self.body)}")
        return self.body[argument]

    def get(self, argument: str, default: Json = None) -> Json:
        return self.body.get(argument, default)

    def ref(self, attribute: str) -> str:
        """The reference by which other resources name an attribute of this one."""
        return f"${{{self.address}.{attribute}}}"

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document the resource holds, by the argument that holds it."""
        for argument, text in strings(self.body):
            if '"Statement"' in text:
                yield argument, json.loads(text)

    def statements(self, argument: str = "policy") -> dict[str, dict[str, Any]]:
        """The statements of one policy by Sid; raises where two share one."""
        found = json.loads(self[argument])["Statement"]
        by_sid = {statement["Sid"]: statement for statement in found}
        if len(by_sid) < len(found):
            raise ValueError(f"{self}: two statements share a Sid")
        return by_sid

    @property
    def suppressions(self) -> dict[str, Suppression]:
        """The suppressions of the resource, by the name of the rule or check."""
        found = self.body.get("//", {}).get("suppressions", {})
        return {name: Suppression(one["reason"], one["since"]) for name, one in found.items()}


class Template:
    """A stack's JSON and the settings it was made with; the JSON must not change any more."""

    def __init__(self, document: dict[str, Any], settings: Settings) -> None:
        self.document = document
        self.settings = settings
        self.stack: str = document["//"]["metadata"]["stackName"]

    def resources(self) -> list[Resource]:
        return self._resources

    def data_sources(self) -> list[Resource]:
        return self._data_sources

    def some(self, type_: str) -> list[Resource]:
        """The resources of a type, of which there may be none."""
        return self._by_type.get(type_, [])

    def policies(self) -> list[tuple[Resource, str, dict[str, Json]]]:
        """Every policy document, with the resource and the argument that hold it."""
        return self._policies

    @property
    def account_id(self) -> str:
        """The reference to the account's number; where none is read, what nothing contains."""
        found = [one for one in self.data_sources() if one.type == "aws_caller_identity"]
        return found[0].ref("account_id") if found else "${no account is read}"

    def read(self, block: str) -> Iterator[Resource]:
        """Go through the resources of a block, `resource` or `data`."""
        for type_, named in self.document.get(block, {}).items():
            for name, body in named.items():
                path = body.get("//", {}).get("metadata", {}).get("path", name)
                path = path.removeprefix(f"{self.stack}/").removesuffix("/Resource")
                # cdktf leaves this id out of addresses, too.
                path = path.replace("/Default/", "/").removesuffix("/Default")
                yield Resource(type_, name, path, body, is_data=block == "data")

    @functools.cached_property
    def _resources(self) -> list[Resource]:
        return [*self.read("resource")]

    @functools.cached_property
    def _data_sources(self) -> list[Resource]:
        return [*self.read("data")]

    @functools.cached_property
    def _policies(self) -> list[tuple[Resource, str, dict[str, Json]]]:
        return [(one, *held) for one in self.resources() for held in one.policies()]

    @functools.cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self._resources:
            found.setdefault(resource.type, []).append(resource)
        return found


def some(template: Template, type_: str) -> list[Resource]:
    """The resources of a type, of which there may be none."""
    return template.some(type_)


def buckets(template: Template) -> list[Resource]:
    """The buckets."""
    return template.some("aws_s3_bucket")


def belonging(template: Template, bucket: Resource, type_: str) -> list[Resource]:
    """The resources of a type that configure a bucket."""
    ours = (bucket.ref("id"), bucket.ref("bucket"))
    return [resource for resource in template.some(type_) if resource.get("bucket") in ours]


def statements(template: Template) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    """Every statement of every policy: the resource and argument that hold it, and itself."""
    for resource, argument, policy in template.policies():
        for statement in listed(policy["Statement"]):
            yield resource, argument, statement


def policies_of(
    template: Template, resource: Resource, type_: str, argument: str
) -> list[dict[str, Any]]:
    """The statements of the policies that belong to a resource."""
    ours = {resource.ref(attribute) for attribute in ("id", "arn", "bucket", "url")}
    return [
        statement
        for holder in template.some(type_)
        if holder.get(argument) in ours
        for _, policy in holder.policies()
        for statement in listed(policy["Statement"])
    ]


def denies(
    statement: dict[str, Any], condition: dict[str, Any], action: str, resources: set[str]
) -> bool:
    """Whether a statement denies everyone an action on all the resources under a condition."""
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") == "*"
        and action in listed(statement["Action"])
        and resources <= set(listed(statement["Resource"]))
        and statement.get("Condition") == condition
    )
