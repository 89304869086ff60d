"""Synthesized stacks for tests: a misspelt or missing type fails the test."""

from __future__ import annotations

import functools
import json
from typing import Any

from lib import template as reader
from lib.iam_policy import Statement, parse
from lib.template import Resource, listed, strings
from lib.template import arguments_of as known_arguments

__all__ = [
    "MutableTemplate",
    "Resource",
    "Template",
    "arguments_of",
    "belonging",
    "listed",
    "some",
    "strings",
]


@functools.cache
def arguments_of(type_: str, module: str = "") -> frozenset[str]:
    """The arguments that the provider's schema gives a resource type; fails on a misspelt type."""
    known = known_arguments(type_, module)
    assert known, f"{type_}: no provider has such a type"
    return known


class Template(reader.Template):
    """As the rules read it, with assertions; tests change only copies of it."""

    def copy(self) -> MutableTemplate:
        """A copy in which a test plants a violation."""
        return MutableTemplate(json.loads(self._text))

    @functools.cached_property
    def _text(self) -> str:
        return json.dumps(self.document)

    def of_type(self, type_: str) -> list[Resource]:
        """The resources of a type; fails where the type is misspelt or there is none."""
        arguments_of(type_)
        found = self.resources(type_)
        assert found, f"{self.stack} has no {type_}"
        return found

    def get(self, type_: str, path: str | None = None) -> Resource:
        """The resource of a type at a construct path; without one, the only one of its type."""
        return self._one(self.of_type(type_), type_, path)

    def data(self, type_: str, path: str | None = None) -> Resource:
        """As `get`, for a data source."""
        arguments_of(type_, f"data_{type_}")
        return self._one(self.data_sources(type_), type_, path)

    def assert_none(self, type_: str) -> None:
        """Fails where there is a resource of the type, or no such type at all."""
        assert [str(resource) for resource in some(self, type_)] == []

    @property
    def account_id(self) -> str:
        return self.data("aws_caller_identity").ref("account_id")

    def text(self) -> str:
        """The document as JSON."""
        return json.dumps(self.document)

    def _one(self, found: list[Resource], type_: str, path: str | None) -> Resource:
        chosen = [resource for resource in found if path in (None, resource.path)]
        assert len(chosen) == 1, (
            f"{type_} at {path}: {len(chosen)} of {sorted(resource.path for resource in found)}"
        )
        return chosen[0]


class MutableTemplate(Template):
    """A template without caches, so that it reads the changes that a test makes."""

    @property
    def unchanging(self) -> Template:
        """The document as it is now, in a template that reads it once."""
        return Template(self.document)

    def policies(self) -> list[tuple[Resource, str, dict[str, Any]]]:
        return [(one, *held) for one in self.resources() for held in one.policies()]

    def statements(self) -> list[tuple[Resource, str, Statement]]:
        return [
            (resource, argument, statement)
            for resource, argument, policy in self.policies()
            for statement in parse(policy)
        ]

    def _all(self, block: str) -> list[Resource]:
        return [*self.read(block)]

    def _of_type(self, block: str, type_: str) -> list[Resource]:
        return [resource for resource in self.read(block) if resource.type == type_]


def some(template: Template, type_: str) -> list[Resource]:
    """The resources of a type, of which there may be none; fails on a misspelt type."""
    arguments_of(type_)
    return template.resources(type_)


def belonging(template: Template, bucket: Resource, type_: str) -> list[Resource]:
    """The resources of a type that configure a bucket; fails on a misspelt type."""
    arguments_of(type_)
    return template.bucket_resources(bucket, type_)
