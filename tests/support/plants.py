"""Functions that plant violations of rules in a copy of a stack, and their registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.template import Resource, Template

Plant = Callable[[Template], Resource | str]
# The rule that must detect it, the stack it is planted in, and the function that plants it.
# That function returns the resource, or the address, that the violation is about.
FAULTS: list[tuple[str, str, Plant]] = []


def fault(rule: str, stack: str = "tap") -> Callable[[Plant], Plant]:
    """Register a function that plants a fault."""

    def register(plant: Plant) -> Plant:
        FAULTS.append((rule, stack, plant))
        return plant

    return register


def setting(
    rule: str, type_: str, path: str | None, argument: str, value: Any, stack: str = "tap"
) -> None:
    """Register a fault that sets an argument, or with None removes it."""

    def plant(template: Template) -> Resource:
        resource = template.get(type_, path)
        if value is None:
            resource.body.pop(argument)
        else:
            resource.body[argument] = value
        return resource

    plant.__name__ = f"{type_}_{argument}_{value}"[:70]
    FAULTS.append((rule, stack, plant))


def add(template: Template, type_: str, body: dict[str, Any]) -> Resource:
    """Add a resource with the name Planted."""
    body |= {"//": {"metadata": {"path": f"{template.stack}/Planted/Resource"}}}
    template.document["resource"].setdefault(type_, {})["Planted"] = body
    return template.get(type_, "Planted")


def added(rule: str, type_: str, body: dict[str, Any], stack: str = "web") -> None:
    """Register a fault that adds a resource."""

    def plant(template: Template) -> Resource:
        return add(template, type_, dict(body))

    plant.__name__ = f"additional_{type_}"
    FAULTS.append((rule, stack, plant))


def suppress(resource: Resource, name: str, reason: str, since: str = "2026-11") -> Resource:
    """Add a suppression, or replace it."""
    suppressions = resource.body["//"].setdefault("suppressions", {})
    suppressions[name] = {"reason": reason, "since": since}
    return resource


def add_statement(resource: Resource, argument: str = "policy", **statement: Any) -> Resource:
    """Add a statement to a resource's policy."""
    policy = json.loads(resource[argument])
    policy["Statement"].append({"Sid": "Planted", "Effect": "Allow"} | statement)
    resource.body[argument] = json.dumps(policy)
    return resource


def drop_statement(resource: Resource, sid: str) -> None:
    """Remove a statement from a resource's policy."""
    policy = json.loads(resource["policy"])
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) < len(policy["Statement"]), f"{resource} has no statement {sid}"
    resource.body["policy"] = json.dumps(policy | {"Statement": kept})


def remove(template: Template, type_: str, path: str) -> None:
    """Remove a resource."""
    del template.document["resource"][type_][template.get(type_, path).name]
