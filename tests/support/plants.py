"""What faults are planted with in a copy of a stack, and the list of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.template import Resource, Template

Plant = Callable[[Template], Resource | str]
# The rule that must see it, the stack it is planted in, and what plants it.
FAULTS: list[tuple[str, str, Plant]] = []


def fault(rule: str, stack: str = "tap") -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        FAULTS.append((rule, stack, plant))
        return plant

    return register


def setting(
    rule: str, type_: str, path: str | None, argument: str, value: Any, stack: str = "tap"
) -> None:
    """A fault that gives an argument another value, or with None takes it away."""

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
    """Add a resource named Planted."""
    body |= {"//": {"metadata": {"path": f"{template.stack}/Planted/Resource"}}}
    template.document["resource"].setdefault(type_, {})["Planted"] = body
    return template.get(type_, "Planted")


def added(rule: str, type_: str, body: dict[str, Any], stack: str = "web") -> None:
    """A fault that is a resource more."""

    def plant(template: Template) -> Resource:
        return add(template, type_, dict(body))

    plant.__name__ = f"one_more_{type_}"
    FAULTS.append((rule, stack, plant))


def state_anew(resource: Resource, argument: str = "policy", **statement: Any) -> Resource:
    """Add a statement to a resource's policy."""
    policy = json.loads(resource[argument])
    policy["Statement"].append({"Sid": "Planted", "Effect": "Allow"} | statement)
    resource.body[argument] = json.dumps(policy)
    return resource


def drop_statement(resource: Resource, sid: str) -> None:
    policy = json.loads(resource["policy"])
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) < len(policy["Statement"]), f"{resource} has no statement {sid}"
    resource.body["policy"] = json.dumps(policy | {"Statement": kept})


def remove(template: Template, type_: str, path: str) -> None:
    del template.document["resource"][type_][template.get(type_, path).name]
