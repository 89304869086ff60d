"""Compact byte code of the generated modules, in a cache of its own.

jsii generates, for each method, a run-time check of the argument types (`if __debug__:` with
typeguard), a stub function for it, annotations that are evaluated at import, and docstrings that
are larger than the code. The finder compiles the modules without them. It leaves out nothing else:
unknown and missing arguments raise TypeError, and jsii's kernel rejects values of a wrong type.

The compiled code is stored in the user's cache folder, because the folder of the packages may be
read-only and belongs to pip. An entry is valid for the exact path, size and modification time of
its source, and for one version of Python and of this module.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .common import CHECKS, PACKAGES, PROVIDERS, cache_folder, explain, is_set, write_atomically

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence
    from types import CodeType, ModuleType

# To be raised when `compact_code` changes its result.
FORMAT = 1
# A line of every module that jsii generates; hand-written modules are compiled as they are.
MARK = b"\npublication.publish()\n"
STUB_PREFIX = "_typecheckingstub__"
# Names that only the checks use.
CHECK_NAMES = {
    *("check_type", "typeguard", "TYPEGUARD_MAJOR_VERSION", "_metadata_package_version"),
    "cached_type_hints",
}
EFFECT = "executing the generated modules with type checks"


class Finder(importlib.abc.MetaPathFinder):
    """Finds the generated modules of the engine and of the providers."""

    def __init__(self) -> None:
        self._roots = {provider.package for provider in PROVIDERS}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES or fullname in self._roots:
            return None
        if is_set(CHECKS):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Executes the compact code of a module; on any failure the published code."""

    failed = False

    def get_code(self, fullname: str) -> CodeType | None:
        if not _Loader.failed:
            try:
                return self._compact(fullname)
            except Exception as error:  # whatever fails: use the published code
                _Loader.failed = True
                explain(EFFECT, f"{fullname}: {error}")
        return super().get_code(fullname)

    def _compact(self, fullname: str) -> CodeType | None:
        status = Path(self.path).stat()
        header = f"{FORMAT} {status.st_size} {status.st_mtime_ns}\n".encode()
        file = _cache_file(fullname, self.path)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            content = b""
        if content.startswith(header):
            # A damaged entry is written again.
            with contextlib.suppress(EOFError, ValueError, TypeError):
                code: CodeType = marshal.loads(memoryview(content)[len(header) :])  # noqa: S302
                return code
        source = self.get_data(self.path)
        if MARK not in source:
            return super().get_code(fullname)
        compact = compact_code(source, self.path)
        write_atomically(file, header + marshal.dumps(compact))
        return compact


def compact_code(source: bytes, path: str) -> CodeType:
    """Compile a generated module without run-time checks, annotations and docstrings."""
    import ast  # only where a module is compiled

    tree = ast.parse(source)
    complete = tree.body
    tree.body = [statement for statement in complete if not _is_for_checks(statement)]
    for function in _functions(tree):
        _strip(function)
    code = compile(tree, path, "exec", dont_inherit=True, optimize=2)
    if CHECK_NAMES & {*_names(code)}:  # a use outside of the checks, of which nothing is known
        tree.body = complete
        code = compile(tree, path, "exec", dont_inherit=True, optimize=2)
    return code


def _cache_file(fullname: str, path: str) -> Path:
    place = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
    return cache_folder() / "python" / f"{fullname}.{place}.{sys.implementation.cache_tag}.bin"


def _is_for_checks(statement: ast.stmt) -> bool:
    """Whether a statement at the top of a module defines or imports what only the checks use."""
    import ast

    match statement:
        case ast.FunctionDef(name=name):
            return name in CHECK_NAMES or name.startswith(STUB_PREFIX)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names} <= CHECK_NAMES
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in CHECK_NAMES
    return False


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    import ast

    for statement in tree.body:
        inner = statement.body if isinstance(statement, ast.ClassDef) else [statement]
        yield from (one for one in inner if isinstance(one, ast.FunctionDef))


def _strip(function: ast.FunctionDef) -> None:
    """Remove checks, annotations, and `typing.cast` of results: evaluating types costs time."""
    import ast

    arguments = function.args
    for argument in (
        *(*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs),
        *(one for one in (arguments.vararg, arguments.kwarg) if one is not None),
    ):
        argument.annotation = None
    function.returns = None
    body: list[ast.stmt] = []
    for statement in function.body:
        match statement:
            case ast.If(test=ast.Name(id="__debug__"), orelse=[]):
                continue
            case ast.Return(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="typing"), attr="cast"), args=[_, result]
                )
            ):
                statement.value = result
        body.append(statement)
    function.body = body or [ast.Pass(lineno=function.lineno, col_offset=0)]


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a code object and those inside it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _names(constant)
