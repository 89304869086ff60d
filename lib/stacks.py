"""The registry of stacks: one `StackSpec` per unit of deployment. It imports no bindings."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from cdktf import TerraformStack


@dataclass(frozen=True)
class Actor:
    """A source of data outside a stack, for its architecture diagram.

    `target` is the label of the node that receives the data, `data` the label of the arrow.
    """

    name: str
    target: str
    data: str = ""


@dataclass(frozen=True, kw_only=True)
class StackSpec:
    """One stack: its class, name prefix, tags and placeholders.

    `class_path` is "module:Class". `prefix` starts every physical name of the stack and is unique,
    unless `shares_prefix_with` names the other stack. `component` and `purpose` are tags of every
    resource. `placeholders` are values of settings that have no default, for checks and
    local deployments. `title` and `summary` are the heading of the diagram; the defaults are the
    tags.
    """

    name: str
    class_path: str
    prefix: str
    component: str
    purpose: str
    shares_prefix_with: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    actor: Actor | None = None
    title: str = ""
    summary: str = ""

    def load(self) -> Callable[..., TerraformStack]:
        """Import the stack's module and return its class."""
        module, _, name = self.class_path.partition(":")
        return cast("Callable[..., TerraformStack]", getattr(importlib.import_module(module), name))


_SPECS = (
    StackSpec(
        name="tap",
        class_path="lib.tap_stack:TapStack",
        prefix="",
        component="test-automation-platform",
        purpose="Takes in test results and answers about them",
        actor=Actor("Test runs", target="Data", data="results"),
        summary="Receives test results and stores them for queries",
    ),
    StackSpec(
        name="bastion",
        class_path="lib.bastion_stack:BastionStack",
        prefix="bastion-",
        component="production-network",
        purpose="Runs production instances behind a bastion",
        placeholders={
            "TAP_BASTION_PUBLIC_KEY": (
                f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'0' * 43} placeholder"
            ),
        },
    ),
    StackSpec(
        name="web",
        class_path="lib.web_stack:WebStack",
        prefix="web-",
        component="web-application",
        purpose="Serves a web application and its API",
        placeholders={
            "TAP_WEB_DOMAIN_NAME": "app.example.com",
            "TAP_WEB_HOSTED_ZONE_ID": "Z0123456789ABCDEFGHIJ",
        },
        actor=Actor("API clients", target="API"),
    ),
    StackSpec(
        name="state",
        class_path="lib.state_stack:StateStack",
        prefix="",
        # Its only physical name is that of the state bucket, which is a setting.
        shares_prefix_with="tap",
        component="test-automation-platform",
        purpose="Takes in test results and answers about them",
        actor=Actor("Terraform", target="State", data="states, locks"),
        title="Terraform state",
        summary="Keeps the states of all stacks",
    ),
)


def register(*specs: StackSpec) -> Mapping[str, StackSpec]:
    """The specs by name; raises `ValueError` if two stacks have the same name or prefix.

    Stacks are deployed one by one, so synthesis alone would not find equal names.
    """
    known: dict[str, StackSpec] = {}
    for spec in specs:
        if spec.name in known:
            raise ValueError(
                f"name: received {spec.name!r} for two stacks; accepted: a name that no other stack"
                " has. Rename one of them."
            )
        for other in known.values():
            if spec.prefix == other.prefix and spec.shares_prefix_with != other.name:
                raise ValueError(
                    f"prefix of {spec.name}: received {spec.prefix!r}, which {other.name} has;"
                    f" accepted: a prefix that no other stack has. Set prefix='{spec.name}-'."
                )
        known[spec.name] = spec
    return known


STACKS = register(*_SPECS)

# Settings of every stack that have no default.
COMMON_PLACEHOLDERS = {"TERRAFORM_STATE_BUCKET": "terraform-state"}


def placeholder_variables(stacks: Iterable[str] | None = None) -> dict[str, str]:
    """Environment variables for the settings without a default; by default those of all stacks."""
    names = STACKS if stacks is None else stacks
    return COMMON_PLACEHOLDERS | {
        variable: value for name in names for variable, value in STACKS[name].placeholders.items()
    }
