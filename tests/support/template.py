"""A synthesized stack, looked at by resource type and construct path."""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lib.settings import Settings

PROVIDERS = {"aws": "cdktf_cdktf_provider_aws", "random": "cdktf_cdktf_provider_random"}


@functools.cache
def arguments_of(type_: str) -> frozenset[str]:
    """The arguments that the provider's schema gives a resource type; fails on a misspelt type."""
    return _arguments(type_, type_.partition("_")[2], "TF_RESOURCE_TYPE")


@functools.cache
def _arguments(type_: str, module: str, constant: str) -> frozenset[str]:
    package = PROVIDERS.get(type_.partition("_")[0])
    name = f"{package}.{module}"
    if not package or not importlib.util.find_spec(name):
        raise AssertionError(f"{type_}: no provider has such a type")
    for found in vars(importlib.import_module(name)).values():
        if inspect.isclass(found) and getattr(found, constant, None) == type_:
            # jsii calls the parameters of every construct `self, scope, id_`.
            return frozenset([*inspect.signature(found.__init__).parameters][3:])
    raise AssertionError(f"{type_}: {name} has no class for it")


def listed(value: Any) -> list[Any]:
    """Terraform's and IAM's "one or many", always as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
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

    def __getitem__(self, argument: str) -> Any:
        assert argument in self.body, f"{self}: {argument} is not set; it has {sorted(self.body)}"
        return self.body[argument]

    def get(self, argument: str, default: Any = None) -> Any:
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
        """The statements of one policy by Sid; fails where two share one."""
        found = json.loads(self[argument])["Statement"]
        by_sid = {statement["Sid"]: statement for statement in found}
        assert len(by_sid) == len(found), f"{self}: two statements share a Sid"
        return by_sid

    @property
    def waivers(self) -> dict[str, str]:
        waivers: dict[str, str] = self.body.get("//", {}).get("waivers", {})
        return waivers


class Template:
    """A stack's JSON and the settings it was made with."""

    def __init__(self, document: dict[str, Any], settings: Settings) -> None:
        self.document = document
        self.settings = settings
        self.stack: str = document["//"]["metadata"]["stackName"]

    def copy(self) -> Template:
        """A copy to plant a fault in."""
        return Template(copy.deepcopy(self.document), self.settings)

    def resources(self) -> list[Resource]:
        return [*self._in("resource")]

    def data_sources(self) -> list[Resource]:
        return [*self._in("data")]

    def of_type(self, type_: str) -> list[Resource]:
        """The resources of a type; fails where the type is misspelt or there is none."""
        arguments_of(type_)
        found = [resource for resource in self.resources() if resource.type == type_]
        assert found, f"{self.stack} has no {type_}"
        return found

    def get(self, type_: str, path: str | None = None) -> Resource:
        """The resource of a type at a construct path; without one, the only one of its type."""
        return self._one(self.of_type(type_), type_, path)

    def data(self, type_: str, path: str | None = None) -> Resource:
        """As `get`, for a data source."""
        _arguments(type_, "data_" + type_, "TF_RESOURCE_TYPE")
        return self._one([r for r in self.data_sources() if r.type == type_], type_, path)

    def assert_none(self, type_: str) -> None:
        """Fails where there is a resource of the type, or no such type at all."""
        arguments_of(type_)
        found = [str(resource) for resource in self.resources() if resource.type == type_]
        assert found == []

    @property
    def account_id(self) -> str:
        return self.data("aws_caller_identity").ref("account_id")

    def text(self) -> str:
        return json.dumps(self.document)

    def _in(self, block: str) -> Iterator[Resource]:
        for type_, named in self.document.get(block, {}).items():
            for name, body in named.items():
                path = re.sub(r"/Resource$", "", body["//"]["metadata"]["path"])
                path = path.removeprefix(f"{self.stack}/")
                yield Resource(type_, name, path, body, is_data=block == "data")

    def _one(self, found: list[Resource], type_: str, path: str | None) -> Resource:
        chosen = [resource for resource in found if path in (None, resource.path)]
        assert len(chosen) == 1, (
            f"{type_} at {path}: {len(chosen)} of {sorted(resource.path for resource in found)}"
        )
        return chosen[0]


def some(template: Template, type_: str) -> list[Resource]:
    """The resources of a type, of which there may be none."""
    arguments_of(type_)
    return [resource for resource in template.resources() if resource.type == type_]


def buckets(template: Template) -> list[Resource]:
    return some(template, "aws_s3_bucket")


def belonging(template: Template, bucket: Resource, type_: str) -> list[Resource]:
    """The resources of a type that configure a bucket."""
    ours = (bucket.ref("id"), bucket.ref("bucket"))
    return [resource for resource in some(template, type_) if resource.get("bucket") in ours]


def statements(template: Template) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    for resource in template.resources():
        for argument, policy in resource.policies():
            for statement in listed(policy["Statement"]):
                yield resource, argument, statement


def policies_of(
    template: Template, resource: Resource, type_: str, argument: str
) -> list[dict[str, Any]]:
    """The statements of the policies that belong to a resource."""
    ours = {resource.ref(attribute) for attribute in ("id", "arn", "bucket", "url")}
    return [
        statement
        for policy in some(template, type_)
        if policy.get(argument) in ours
        for statement in policy.statements().values()
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
