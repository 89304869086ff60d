"""Imports of a provider's submodules on access.

The body of a provider's root package does nothing but import its 2,212 submodules. The finder
leaves it out, makes each submodule an attribute that imports it, and registers with jsii in which
Python module each JavaScript submodule is, so that jsii can import the types of returned objects.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import re
from typing import TYPE_CHECKING

from .common import PROVIDERS, Provider, explain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# Where jsii looks up the Python module of a JavaScript submodule; absent from old releases.
FQN_MAP = "_submodule_fqn_map"


class Finder(importlib.abc.MetaPathFinder):
    """Finds the root packages of PROVIDERS, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        provider = next((known for known in PROVIDERS if known.package == fullname), None)
        if provider is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None:
            return None
        if isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _RootLoader(provider, spec.loader.path)
        else:
            _explain(fullname, f"it does not lie in plain source files ({spec.origin})")
        return spec


class _RootLoader(importlib.machinery.SourceFileLoader):
    """Loads a provider's root package without its submodules."""

    def __init__(self, provider: Provider, path: str) -> None:
        super().__init__(provider.package, path)
        self._provider = provider

    def exec_module(self, module: ModuleType) -> None:
        package, npm = self._provider
        source = self.get_source(package) or ""
        if re.search(r"^def __getattr__", source, re.MULTILINE):
            super().exec_module(module)  # newer bindings are lazy in Python by themselves
            return
        names = frozenset(re.findall(r"^from \. import (\w+)$", source, re.MULTILINE))
        # As the published body does: loads the JavaScript half into jsii.
        importlib.import_module(f"{package}._jsii")
        fqn_map = getattr(importlib.import_module("jsii._reference_map"), FQN_MAP, None)
        if not names or re.search(r"^class ", source, re.MULTILINE):
            _explain(package, f"{self.path} does not just import its submodules")
        elif fqn_map is None:
            _explain(package, "this jsii cannot import the types of the objects it returns")
        else:
            fqn_map.update({f"{npm}.{_camel(name)}": f"{package}.{name}" for name in names})
            _import_on_access(module, names)
            return
        super().exec_module(module)


def _explain(package: str, reason: str) -> None:
    explain(f"loading all of {package}", reason)


def _import_on_access(module: ModuleType, names: frozenset[str]) -> None:
    package = module.__name__

    def get_submodule(name: str) -> ModuleType:
        if name in names:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    vars(module).update(
        __all__=sorted(names),
        __dir__=lambda: sorted({*vars(module), *names}),
        __getattr__=get_submodule,
    )


def _camel(name: str) -> str:
    """Return the JavaScript name of a submodule: `kms_key` is `kmsKey`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
