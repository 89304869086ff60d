"""A synthesized stack as tests look at it: what is misspelt or missing fails them."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from lib import rules
from lib.template import (
    Resource,
    belonging,
    buckets,
    denies,
    listed,
    policies_of,
    statements,
    strings,
)
from lib.template import arguments_of as known_arguments

__all__ = [
    "Resource",
    "Template",
    "arguments_of",
    "belonging",
    "buckets",
    "denies",
    "listed",
    "policies_of",
    "some",
    "statements",
    "strings",
]


@functools.cache
def arguments_of(type_: str, module: str = "") -> frozenset[str]:
    """The arguments that the provider's schema gives a resource type; fails on a misspelt type."""
    known = known_arguments(type_, module)
    assert known, f"{type_}: no provider has such a type"
    return known


class Template(rules.Template):
    """As the rules see it, but for faults being planted in it."""

    def copy(self) -> Template:
        """A copy to plant a fault in."""
        return Template(copy.deepcopy(self.document), self.settings)

    def resources(self) -> list[Resource]:
        return [*self.read("resource")]

    def data_sources(self) -> list[Resource]:
        return [*self.read("data")]

    def some(self, type_: str) -> list[Resource]:
        return [resource for resource in self.resources() if resource.type == type_]

    def policies(self) -> list[tuple[Resource, str, dict[str, Any]]]:
        return [(one, *held) for one in self.resources() for held in one.policies()]

    def of_type(self, type_: str) -> list[Resource]:
        """The resources of a type; fails where the type is misspelt or there is none."""
        arguments_of(type_)
        found = self.some(type_)
        assert found, f"{self.stack} has no {type_}"
        return found

    def get(self, type_: str, path: str | None = None) -> Resource:
        """The resource of a type at a construct path; without one, the only one of its type."""
        return self._one(self.of_type(type_), type_, path)

    def data(self, type_: str, path: str | None = None) -> Resource:
        """As `get`, for a data source."""
        arguments_of(type_, f"data_{type_}")
        return self._one([r for r in self.data_sources() if r.type == type_], type_, path)

    def assert_none(self, type_: str) -> None:
        """Fails where there is a resource of the type, or no such type at all."""
        assert [str(resource) for resource in some(self, type_)] == []

    @property
    def account_id(self) -> str:
        return self.data("aws_caller_identity").ref("account_id")

    def text(self) -> str:
        return json.dumps(self.document)

    def _one(self, found: list[Resource], type_: str, path: str | None) -> Resource:
        chosen = [resource for resource in found if path in (None, resource.path)]
        assert len(chosen) == 1, (
            f"{type_} at {path}: {len(chosen)} of {sorted(resource.path for resource in found)}"
        )
        return chosen[0]


def some(template: Template, type_: str) -> list[Resource]:
    """The resources of a type, of which there may be none; fails on a misspelt type."""
    arguments_of(type_)
    return template.some(type_)
