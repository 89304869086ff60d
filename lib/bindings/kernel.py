"""jsii's kernel, the Node.js process that runs the constructs, with less waiting and copying.

As published, jsii starts Node.js when `cdktf` is imported. That process starts a second one and
copies every message between it and Python, and Python waits while it loads each library.
Here Node.js runs the same program of jsii directly. It starts before Python imports the bindings,
and the first requests (load constructs, cdktf and the AWS provider) are sent at once; their answers
are read when Python makes the same requests. All other requests are jsii's own.

A repeated request for an attribute of a resource (`bucket.arn`) is answered from memory until the
resource is changed: the answer is a token, a text that stands for the same reference each time.

POSIX only; on Windows jsii starts Node.js as published.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import ENGINE, PROVIDERS, explain
from .node_process import NodeProcess, unpacked_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PRELOAD = Path(__file__).with_name("preload.cjs")
# Read by the preload: the npm names of PROVIDERS, comma-separated.
PRELOAD_PACKAGES = "LAZY_BINDINGS_PACKAGES"
# The module of jsii that starts Node.js, its class and what this module uses of it.
JSII_MODULE = "jsii._kernel.providers.process"
JSII_ATTRIBUTES = ("start", "stop", "send", "handshake", "_next_message")
# Loaded in Node.js before Python imports them.
FIRST_LOADED = ("constructs", ENGINE, PROVIDERS[0].package)
LOAD_CALL = re.compile(
    r'JSIIAssembly\.load\(\s*"(?P<name>[^"]+)",\s*"(?P<version>[^"]+)",\s*__name__\[0:-6\],'
    r'\s*"(?P<file>[^"]+)"'
)
TOKEN = re.compile(r"\$\{TfToken\[TOKEN\.\d+\]\}")
# What starts the reference of a resource, a data source or a part of one.
RESOURCES = tuple(f"{provider.npm}." for provider in PROVIDERS)
EFFECT = "starting Node.js as published"

_started: NodeProcess | None = None
_failed = False


def preload_in_node() -> None:
    """Make every Node.js process that is started from now on require the preload."""
    names = ",".join(provider.npm for provider in PROVIDERS)
    effect = f"loading all of {names} in Node"
    if any(name.endswith("._jsii") for name in sys.modules):
        explain(effect, "cdktf was imported before enable_fast_bindings() was called")
        return
    if not PRELOAD.is_file():
        explain(effect, f"{PRELOAD} is missing")
        return
    # Node splits NODE_OPTIONS at spaces; inside double quotes a backslash escapes.
    path = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    option = f'--require "{path}"'
    options = os.environ.get("NODE_OPTIONS", "")
    if option not in options:
        os.environ["NODE_OPTIONS"] = f"{options} {option}".strip()
    os.environ[PRELOAD_PACKAGES] = names


def start() -> None:
    """Start Node.js, unless it runs, jsii is imported already or the environment forbids it."""
    global _started, _failed
    if (
        _failed
        or _started is not None
        or JSII_MODULE in sys.modules
        or "JSII_RUNTIME" in os.environ
    ):
        return
    node = shutil.which(os.environ.get("JSII_NODE", "node"))
    if node is None or not hasattr(os, "posix_spawn"):
        return
    try:
        _started = NodeProcess(node, unpacked_program())
        _started.send_first(filter(None, map(_load_request, FIRST_LOADED)))
    except Exception as error:  # whatever fails: jsii starts it
        _failed = True
        explain(EFFECT, error)
        _discard()


def _discard() -> None:
    """End a process that jsii did not take over."""
    global _started
    if _started is not None:
        _started.close()
        _started = None


class Finder(importlib.abc.MetaPathFinder):
    """Finds jsii's module that starts Node.js, to put a faster class in the place of its own."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != JSII_MODULE:
            return None
        start()
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if _started is None:
            return
        try:
            missing = [name for name in JSII_ATTRIBUTES if not hasattr(module._NodeProcess, name)]
            if missing:
                raise AttributeError(f"this jsii has no {missing[0]}")
            bases = (_TakesOver, vars(module)["_NodeProcess"])
            vars(module)["_NodeProcess"] = type("FastProcess", bases, {"_module": module})
        except Exception as error:  # whatever fails: jsii starts it
            explain(EFFECT, error)
            _discard()


def _load_request(package: str) -> dict[str, str] | None:
    """Return the request that the import of a package will send; None if its form is unknown."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0], "_jsii")
    call = LOAD_CALL.search((folder / "__init__.py").read_text(encoding="utf-8"))
    if call is None:
        return None
    return {
        "name": call["name"],
        "version": call["version"],
        "tarball": str(folder / call["file"]),
        "api": "load",
    }


class _TakesOver:
    """Overrides of jsii's `_NodeProcess`; what is not overridden is jsii's own."""

    _module: ModuleType
    _node: NodeProcess | None = None

    def __init__(self) -> None:
        super().__init__()
        converter: Any = vars(self)["_serializer"]
        self._serializer: Any = _Serializer(self._module, converter)
        self._tokens: dict[str, dict[str, Any]] = {}
        self._process: Any

    def start(self) -> None:
        global _started
        node, _started = _started, None
        if node is not None:
            self._process = node
            try:
                self.handshake()  # type: ignore[attr-defined]
            except Exception as error:  # whatever fails: jsii starts it
                explain(EFFECT, repr(error))
                node.close()
            else:
                self._node = node
                return
        super().start()  # type: ignore[misc]

    def stop(self) -> None:
        if self._node is not None:
            self._node.close()
        elif hasattr(self, "_process"):
            super().stop()  # type: ignore[misc]

    def send(self, request: Any, response_type: Any) -> Any:  # noqa: ANN401
        kind = type(request).__name__
        if self._node is not None:
            body = self._serializer.unstructure(request) if kind == "LoadRequest" else {}
            if (answer := self._node.first_answer(body)) is not None:
                return self._serializer.structure(json.loads(answer)["ok"], response_type)
        if kind == "GetRequest" and request.objref.ref.startswith(RESOURCES):
            return self._attribute(request, response_type)
        if kind in {"SetRequest", "InvokeRequest"}:
            self._tokens.pop(request.objref.ref, None)
        return super().send(request, response_type)  # type: ignore[misc]

    def _attribute(self, request: Any, response_type: Any) -> Any:  # noqa: ANN401
        tokens = self._tokens.setdefault(request.objref.ref, {})
        if request.property not in tokens:
            response = super().send(request, response_type)  # type: ignore[misc]
            value = getattr(response, "value", None)
            if not isinstance(value, str) or not TOKEN.fullmatch(value):
                return response
            tokens[request.property] = response
        return tokens[request.property]


class _Serializer:
    """Converts the frequent messages itself and leaves the others to jsii's converter."""

    def __init__(self, module: ModuleType, published: Any) -> None:  # noqa: ANN401
        from jsii._kernel import types

        names = vars(module)
        self._unstructure, self._structure = published.unstructure, published.structure
        self._okay, self._message = names["_OkayResponse"], names["_ProcessResponse"]
        self._reference = names["_unstructure_ref"]
        self._requests: dict[type, Callable[[Any], dict[str, Any]]] = {
            types.CreateRequest: self._create,
            types.GetRequest: self._get,
            types.SetRequest: self._set,
            types.InvokeRequest: self._invoke,
        }
        self._responses: dict[Any, Callable[[Any], Any]] = {
            types.CreateResponse: lambda value: types.CreateResponse(ref=value.ref),
            types.GetResponse: lambda value: types.GetResponse(value=value.get("value")),
            types.InvokeResponse: lambda value: types.InvokeResponse(result=value.get("result")),
            types.SetResponse: lambda _: types.SetResponse(),
        }

    def unstructure(self, request: Any) -> Any:  # noqa: ANN401
        return self._requests.get(type(request), self._unstructure)(request)

    def structure(self, value: Any, kind: Any) -> Any:  # noqa: ANN401
        if kind is self._message:
            if value.keys() == {"ok"}:
                return self._okay(value["ok"])
        elif kind in self._responses:
            return self._responses[kind](value)
        return self._structure(value, kind)

    def _create(self, request: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "fqn": request.fqn,
            "args": request.args,
            "overrides": [
                {"method": one.method, "property": one.property, "cookie": one.cookie}
                for one in request.overrides
            ],
            "interfaces": request.interfaces,
            "api": "create",
        }

    def _get(self, request: Any) -> dict[str, Any]:  # noqa: ANN401
        return self._target(request, "get") | {"property": request.property}

    def _set(self, request: Any) -> dict[str, Any]:  # noqa: ANN401
        target = self._target(request, "set")
        return target | {"property": request.property, "value": request.value}

    def _invoke(self, request: Any) -> dict[str, Any]:  # noqa: ANN401
        target = self._target(request, "invoke")
        return target | {"method": request.method, "args": request.args}

    def _target(self, request: Any, api: str) -> dict[str, Any]:  # noqa: ANN401
        return {"objref": self._reference(request.objref), "api": api}
