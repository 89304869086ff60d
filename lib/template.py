"""The reader of synthesized JSON: a stack's resources by type and construct path."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from lib.iam_policy import Statement, parse

# Any value of a JSON document.
Json = Any
PROVIDERS = {"aws": "cdktf_cdktf_provider_aws", "random": "cdktf_cdktf_provider_random"}


@functools.cache
def arguments_of(type_: str, module: str = "") -> frozenset[str]:
    """The arguments of a resource type in the provider's schema; none for an unknown type.

    `module` is the module of the bindings, where its name differs from that of the type.
    """
    provider, _, own_name = type_.partition("_")
    name = f"{PROVIDERS.get(provider)}.{module or own_name}"
    if provider not in PROVIDERS or not importlib.util.find_spec(name):
        return frozenset()
    # Imported here, because the import starts Node.js, which readers without a schema do not need.
    from cdktf import TerraformDataSource, TerraformResource

    bases = (TerraformResource, TerraformDataSource)
    for found in vars(importlib.import_module(name)).values():
        # Reading TF_RESOURCE_TYPE of each class would call Node.js, 2 ms a type.
        if inspect.isclass(found) and issubclass(found, bases) and found.__module__ == name:
            # jsii names the first parameters of every construct `self, scope, id_`.
            return frozenset([*inspect.signature(found.__init__).parameters][3:])
    return frozenset()


def listed(value: Json) -> list[Json]:
    """A value that may be one or many, as in Terraform and IAM, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def strings(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a value with its path; the metadata under `//` is left out."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "//":
                yield from strings(inner, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strings(inner, f"{path}[{number}]")


def construct_path(path: str) -> str:
    """A path without the ids `Default` and a last `Resource`, which are no part of addresses."""
    parts = [part for part in path.removesuffix("/Resource").split("/") if part != "Default"]
    return "/".join(parts)


class Suppression(NamedTuple):
    """Why a rule or check does not apply to a resource, and the month (YYYY-MM) of the decision."""

    reason: str
    since: str


@dataclass(frozen=True)
class Resource:
    """One resource; `path` is its construct path without the stack, `Default` and `/Resource`."""

    type: str
    name: str
    path: str
    body: dict[str, Any]
    is_data: bool = False

    @property
    def address(self) -> str:
        """The Terraform address."""
        return f"{'data.' if self.is_data else ''}{self.type}.{self.name}"

    def __str__(self) -> str:
        return f"{self.address} ({self.path})"

    def __getitem__(self, argument: str) -> Json:
        if argument not in self.body:
            raise KeyError(f"{self}: {argument} is not set; it has {sorted(self.body)}")
        return self.body[argument]

    def get(self, argument: str, default: Json = None) -> Json:
        """The value of an argument, or the default where it is not set."""
        return self.body.get(argument, default)

    def ref(self, attribute: str) -> str:
        """The reference of other resources to an attribute of this one."""
        return f"${{{self.address}.{attribute}}}"

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document of the resource, with the argument that contains it."""
        for argument, text in strings(self.body):
            if '"Statement"' in text:
                yield argument, json.loads(text)

    def statements(self, argument: str = "policy") -> dict[str, dict[str, Any]]:
        """The statements of one policy as JSON, by Sid; raises where two have the same Sid."""
        found = listed(json.loads(self[argument])["Statement"])
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
    """The synthesized JSON of one stack, which must not change any more.

    `stack` is the stack's name. `prefix` and `suffix` start and end its physical names, as its
    metadata `"//": {"naming": {"prefix", "suffix"}}` records; both are empty where it records none.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        metadata = document.get("//", {})
        self.stack: str = metadata.get("metadata", {}).get("stackName", "")
        naming = metadata.get("naming", {})
        self.prefix: str = naming.get("prefix", "")
        self.suffix: str = naming.get("suffix", "")

    def resources(self, type_: str | None = None) -> list[Resource]:
        """All resources, or those of a type, of which there may be none."""
        return self._all("resource") if type_ is None else self._of_type("resource", type_)

    def data_sources(self, type_: str | None = None) -> list[Resource]:
        """All data sources, or those of a type, of which there may be none."""
        return self._all("data") if type_ is None else self._of_type("data", type_)

    def policies(self) -> list[tuple[Resource, str, dict[str, Json]]]:
        """Every policy document, with the resource and the argument that contain it."""
        return self._policies

    def statements(self) -> list[tuple[Resource, str, Statement]]:
        """Every statement of every policy, with the resource and the argument that contain it."""
        return self._statements

    def bucket_resources(self, bucket: Resource, type_: str) -> list[Resource]:
        """The resources of a type that configure a bucket, such as `aws_s3_bucket_versioning`."""
        names = (bucket.ref("id"), bucket.ref("bucket"))
        return [one for one in self.resources(type_) if one.get("bucket") in names]

    def statements_of(self, resource: Resource, type_: str, argument: str) -> list[Statement]:
        """The statements of the policies, of a resource type, that belong to a resource.

        `argument` is the argument of that type which refers to the resource.
        """
        references = {resource.ref(attribute) for attribute in ("id", "arn", "bucket", "url")}
        return [
            statement
            for holder in self.resources(type_)
            if holder.get(argument) in references
            for _, policy in holder.policies()
            for statement in parse(policy)
        ]

    @property
    def account_id(self) -> str:
        """The reference to the account id; where none is read, a text that nothing contains."""
        found = self.data_sources("aws_caller_identity")
        return found[0].ref("account_id") if found else "${no account id is read}"

    def read(self, block: str) -> Iterator[Resource]:
        """Read the resources of a block, `resource` or `data`, from the document."""
        for type_, named in self.document.get(block, {}).items():
            for name, body in named.items():
                path = body.get("//", {}).get("metadata", {}).get("path", name)
                path = construct_path(path.removeprefix(f"{self.stack}/"))
                yield Resource(type_, name, path, body, is_data=block == "data")

    def _all(self, block: str) -> list[Resource]:
        return self._blocks[block]

    def _of_type(self, block: str, type_: str) -> list[Resource]:
        return self._by_type.get((block, type_), [])

    @functools.cached_property
    def _blocks(self) -> dict[str, list[Resource]]:
        return {block: [*self.read(block)] for block in ("resource", "data")}

    @functools.cached_property
    def _by_type(self) -> dict[tuple[str, str], list[Resource]]:
        found = defaultdict(list)
        for block, resources in self._blocks.items():
            for resource in resources:
                found[block, resource.type].append(resource)
        return found

    @functools.cached_property
    def _policies(self) -> list[tuple[Resource, str, dict[str, Json]]]:
        return [(one, *held) for one in self.resources() for held in one.policies()]

    @functools.cached_property
    def _statements(self) -> list[tuple[Resource, str, Statement]]:
        return [
            (resource, argument, statement)
            for resource, argument, policy in self.policies()
            for statement in parse(policy)
        ]
