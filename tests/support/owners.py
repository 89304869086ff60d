"""The constructs that create the resources of the stacks."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from cdktf import App, TerraformResource
from constructs import Construct, IConstruct

from lib.settings import load_settings
from lib.stacks import STACKS
from lib.template import construct_path
from tests.support.synthesis import DEFAULTS, NO_CONFIG, PLACEHOLDERS

# The class of the construct that creates a resource, by stack and construct path.
Owners = dict[tuple[str, str], type]


def owners(output: Path) -> Owners:
    """The classes of the constructs that create the resources of all stacks."""
    found: Owners = {}
    for name, spec in STACKS.items():
        given = DEFAULTS | PLACEHOLDERS[name] | {"STACKS": name}
        stack = spec.load()(App(outdir=str(output)), name, settings=load_settings(given, NO_CONFIG))
        for node in stack.node.find_all():
            if isinstance(node, TerraformResource):
                path = construct_path(node.node.path.removeprefix(f"{name}/"))
                found[name, path] = _owner(node)
    return found


def _owner(node: IConstruct) -> type:
    """The class of the nearest construct of lib/ that encloses a node."""
    scope: Any = node
    while not type(scope).__module__.startswith("lib."):
        scope = scope.node.scope
    return type(scope)


def load(name: str) -> type[Construct]:
    """The class with a name such as `lib.storage.bucket.SecureBucket`."""
    module, _, attribute = name.rpartition(".")
    found: type[Construct] = getattr(importlib.import_module(module), attribute)
    assert issubclass(found, Construct), name
    return found
