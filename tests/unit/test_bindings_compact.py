"""Compact byte code of the generated modules: what it leaves out, its cache, and errors."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from lib.bindings import common, compact

ROOT = Path(common.__file__).parents[2]
SOURCE = '''
"""A generated module."""
import typing
import typeguard
from importlib.metadata import version as _metadata_package_version
TYPEGUARD_MAJOR_VERSION = int(_metadata_package_version("typeguard").split(".")[0])

def check_type(argname: str, value: object, expected_type: typing.Any) -> typing.Any:
    return typeguard.check_type(argname=argname, value=value, expected_type=expected_type)

evaluated = []
mark = evaluated.append

class Thing:
    """Documentation."""

    def __init__(self, size: mark(1) = None, *, name: str) -> None:
        """Documentation."""
        if __debug__:
            check_type("argument name", name, str)
        self.name = name

    def doubled(self, value: int) -> int:
        return typing.cast(mark(2), value * 2)

publication = type("publication", (), {"publish": lambda: None})
publication.publish()

def _typecheckingstub__0123(name: str) -> None:
    pass
'''


def execute(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "generated"}
    exec(compact.compact_code(source.encode(), "generated.py"), names)
    return names


def test_compact_code_omits_checks_annotations_docstrings_and_casts() -> None:
    names = execute(SOURCE)
    assert {"typeguard", "check_type", "_typecheckingstub__0123"}.isdisjoint(names)
    thing = names["Thing"](name=1)
    assert thing.doubled(2) == 4
    assert names["Thing"].__doc__ is None
    assert names["Thing"].doubled.__annotations__ == {}
    assert names["evaluated"] == []


def test_compact_code_keeps_the_signature() -> None:
    parameters = inspect.signature(execute(SOURCE)["Thing"]).parameters
    assert [(one.name, one.kind.name, one.default) for one in parameters.values()] == [
        ("size", "POSITIONAL_OR_KEYWORD", None),
        ("name", "KEYWORD_ONLY", inspect.Parameter.empty),
    ]


def test_check_functions_that_other_code_uses_are_kept() -> None:
    names = execute(SOURCE + "\ndef other(value):\n    return check_type('other', value, str)\n")
    assert names["other"]("text") is None
    assert "_typecheckingstub__0123" in names


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a generated module `thing`; the cache is a folder beside it."""
    monkeypatch.setenv(common.CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(compact._Loader, "failed", False)
    file = tmp_path / "thing.py"
    file.write_text(SOURCE)
    return file


def load(file: Path) -> types.ModuleType:
    module = types.ModuleType("thing")
    compact._Loader("thing", str(file)).exec_module(module)
    return module


def test_second_import_reads_the_cache(generated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(generated)
    monkeypatch.setattr(compact, "compact_code", None)
    assert load(generated).Thing(name="x").doubled(3) == 6


def test_changed_source_is_compiled_again(generated: Path) -> None:
    load(generated)
    generated.write_text(SOURCE.replace("value * 2", "value * 10"))
    assert load(generated).Thing(name="x").doubled(3) == 30


def test_damaged_cache_entry_is_written_again(
    generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(generated)
    (entry,) = (tmp_path / "cache" / "python").iterdir()
    complete = entry.read_bytes()
    entry.write_bytes(complete[:60])
    assert load(generated).Thing(name="x").doubled(3) == 6
    assert entry.read_bytes() == complete
    assert capsys.readouterr().err == ""


def test_cache_folder_that_cannot_be_written_is_reported_once(
    generated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(common.CACHE, str(tmp_path / "file" / "cache"))
    assert hasattr(load(generated), "check_type")
    assert hasattr(load(generated), "check_type")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bindings: executing the generated modules with type checks")
    assert "Not a directory" in line


def test_module_that_jsii_did_not_generate_is_unchanged(generated: Path) -> None:
    generated.write_text(SOURCE.replace("\npublication.publish()", ""))
    assert load(generated).Thing.__doc__ == "Documentation."


def test_finder_ignores_other_packages_and_the_roots_of_providers() -> None:
    finder = compact.Finder()
    assert finder.find_spec("json", None) is None
    assert finder.find_spec(common.PROVIDERS[0].package, None) is None


# Invalid arguments of a real resource.

APP = """
from lib.bindings import enable_fast_bindings
enable_fast_bindings()
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
KmsAlias(TerraformStack(App(), "stack"), "alias", {arguments})
"""


def error_of(arguments: str, **variables: str) -> str:
    """Run APP in a process of its own; return the last lines of its error."""
    done = subprocess.run(
        [sys.executable, "-c", APP.format(arguments=arguments)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_wrong_type_is_rejected_with_type_property_and_value() -> None:
    error = error_of("target_key_id=5")
    assert "RuntimeError" in error or "JSIIError" in error
    for part in ("kmsAlias.KmsAlias", "targetKeyId", "Unable to deserialize value as string", "5"):
        assert part in error


def test_wrong_type_is_rejected_in_python_with_type_checks() -> None:
    error = error_of("target_key_id=5", **{common.CHECKS: "1"})
    assert "TypeError: type of argument target_key_id must be str; got int instead" in error


def test_unknown_and_missing_arguments_raise_type_error() -> None:
    assert "unexpected keyword argument 'key'" in error_of("target_key_id='a', key='b'")
    assert "missing 1 required keyword-only argument: 'target_key_id'" in error_of("")
