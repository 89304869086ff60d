"""Keeps the provider bindings from loading all of AWS.

The package `cdktf_cdktf_provider_aws` imports each of its 2,212 submodules when any one of them
is imported, and its JavaScript half does the same inside jsii's Node process: most of a plain
synth's time and memory. Two hooks make both halves load only what an app names:

- Python: an import hook leaves out the body of the package's root, which does nothing but import
  the submodules, and lets attribute access import them one by one. It also tells jsii where each
  JavaScript submodule lives in Python, so that an object whose type was never imported resolves.
- JavaScript: a preload (`lazy_bindings.cjs`, through `NODE_OPTIONS`) takes the lazy index that
  upstream ships beside the eager one.

No upstream file is altered, type checkers see the real packages, and the synthesized JSON stays
the same. `enable_fast_bindings()` installs both hooks; call it before the first import of `cdktf` or
of a provider. Where a hook cannot be used, everything works as upstream made it, slowly, and one line
on stderr says why. `PLAIN_BINDINGS=1` in the environment leaves both hooks out.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PLAIN = "PLAIN_BINDINGS"
PRELOAD = Path(__file__).with_name("lazy_bindings.cjs")
# Read by the preload: the npm names of PROVIDERS, comma-separated.
PRELOAD_PACKAGES = "LAZY_BINDINGS_PACKAGES"
# Where jsii looks up the Python module of a JavaScript submodule; absent from old releases.
FQN_MAP = "_submodule_fqn_map"


class Provider(NamedTuple):
    """One provider's bindings: its Python package and the npm package inside it."""

    package: str
    npm: str


PROVIDERS = (
    Provider("cdktf_cdktf_provider_aws", "@cdktf/provider-aws"),
    Provider("cdktf_cdktf_provider_random", "@cdktf/provider-random"),
)


def enable_fast_bindings() -> None:
    """Put both hooks in place; calling it again changes nothing."""
    if os.environ.get(PLAIN) or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for provider in PROVIDERS:
        if provider.package in sys.modules:
            _explain(provider.package, "it was imported before enable_fast_bindings() was called")
    sys.meta_path.insert(0, _Finder())
    _preload_in_node()


def _explain(what: str, reason: str) -> None:
    print(f"bindings: loading all of {what}, which is slow: {reason}", file=sys.stderr)


class _Finder(importlib.abc.MetaPathFinder):
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
        # As upstream's body does: loads the JavaScript half into jsii.
        importlib.import_module(f"{package}._jsii")
        fqn_map = getattr(importlib.import_module("jsii._reference_map"), FQN_MAP, None)
        if not names or re.search(r"^class ", source, re.MULTILINE):
            _explain(package, f"{self.path} does not just import its submodules")
        elif fqn_map is None:
            _explain(package, "this jsii cannot import the types of the objects it returns")
        else:
            fqn_map.update({f"{npm}.{_camel(name)}": f"{package}.{name}" for name in names})
            _open(module, names)
            return
        super().exec_module(module)


def _open(module: ModuleType, names: frozenset[str]) -> None:
    """Make each of the submodules an attribute that imports it."""
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
    """The JavaScript name of a submodule: `kms_key` is `kmsKey`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _preload_in_node() -> None:
    """Have every Node process started from now on require the preload."""
    names = ",".join(provider.npm for provider in PROVIDERS)
    if any(name.endswith("._jsii") for name in sys.modules):
        _explain(f"{names} in Node", "cdktf was imported before enable_fast_bindings() was called")
        return
    if not PRELOAD.is_file():
        _explain(f"{names} in Node", f"{PRELOAD} is missing")
        return
    # Node splits NODE_OPTIONS at spaces; inside double quotes a backslash escapes.
    path = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    option = f'--require "{path}"'
    options = os.environ.get("NODE_OPTIONS", "")
    if option not in options:
        os.environ["NODE_OPTIONS"] = f"{options} {option}".strip()
    os.environ[PRELOAD_PACKAGES] = names
