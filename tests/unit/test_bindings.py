"""The hooks of the fast bindings, and their effect on whole apps in processes of their own."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import types
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path

import pytest

from lib import bindings
from lib.bindings import common, kernel, lazy
from tests.support.bindings_app import VARIABLES, Run, python

AWS = "cdktf_cdktf_provider_aws"
ENABLE = "from lib.bindings import enable_fast_bindings; enable_fast_bindings()"
NODE = shutil.which("node") or "node"


@pytest.fixture(scope="module")
def lazy_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("lazy"))


def test_an_app_needs_few_python_modules(lazy_run: Run) -> None:
    assert lazy_run.python_modules < 10


def test_an_app_needs_few_node_modules(lazy_run: Run) -> None:
    names = {file.split("/provider-aws/lib/")[1] for file in lazy_run.node_files}
    assert "kms-key/index.js" in names
    assert len(names) < 20


def test_a_preload_that_was_there_before_stays(lazy_run: Run) -> None:
    assert lazy_run.node_files, "the spy, named in NODE_OPTIONS before the app ran, saw nothing"


def test_hooks_that_work_are_silent(lazy_run: Run) -> None:
    assert lazy_run.explanations == []


@pytest.mark.parametrize(
    "code",
    [
        "from cdktf_cdktf_provider_aws.kms_key import KmsKey as found",
        "from cdktf_cdktf_provider_aws import kms_key; found = kms_key.KmsKey",
        "import cdktf_cdktf_provider_aws as aws; found = aws.kms_key.KmsKey",
        "import cdktf_cdktf_provider_aws.kms_key as kms_key; found = kms_key.KmsKey",
    ],
)
def test_import_style(code: str) -> None:
    code += "\nimport sys; print(found.__jsii_type__, *sys.modules)"
    name, *modules = python(f"{ENABLE}; {code}").stdout.split()
    assert name == "@cdktf/provider-aws.kmsKey.KmsKey"
    assert f"{AWS}.xray_group" not in modules


def test_a_type_that_was_never_imported_resolves_when_the_kernel_returns_it() -> None:
    code = """
import jsii, sys
from cdktf import App, TerraformStack
from jsii._kernel import _make_reference_for_native
from jsii._kernel.types import CreateRequest
import cdktf_cdktf_provider_aws

stack = TerraformStack(App(), "stack")
arguments = _make_reference_for_native(jsii.kernel, [stack, "topic", {"name": "made-in-node"}])
fqn = "@cdktf/provider-aws.snsTopic.SnsTopic"
jsii.kernel.provider.create(CreateRequest(fqn=fqn, args=arguments))
assert "cdktf_cdktf_provider_aws.sns_topic" not in sys.modules
topic = stack.node.find_child("topic")
print(type(topic).__module__, type(topic).__name__, topic.name_input)
"""
    assert python(f"{ENABLE}\n{code}").stdout.split() == [
        f"{AWS}.sns_topic",
        "SnsTopic",
        "made-in-node",
    ]


def test_every_submodule_is_known_to_jsii_by_its_javascript_name() -> None:
    import cdktf_cdktf_provider_aws as aws
    import jsii._reference_map as reference_map

    declared = re.compile(r'jsii_type="(@cdktf/provider-aws\.\w+)\.')
    assert aws.__file__ is not None
    expected = {}
    for source in Path(aws.__file__).parent.glob("*/__init__.py"):
        if source.parent.name != "_jsii":
            match = declared.search(source.read_text(encoding="utf-8"))
            assert match, source
            expected[match[1]] = f"{AWS}.{source.parent.name}"
    known = reference_map._submodule_fqn_map
    assert len(expected) > 2000
    assert {fqn: known.get(fqn) for fqn in expected} == expected


def test_the_root_offers_the_names_upstream_offers() -> None:
    import cdktf_cdktf_provider_aws as aws

    assert aws.__file__ is not None
    listed = re.search(
        r"^__all__ = (\[.*?\])", Path(aws.__file__).read_text(), re.MULTILINE | re.DOTALL
    )
    assert listed
    assert sorted(aws.__all__) == sorted(ast.literal_eval(listed[1]))
    assert {*aws.__all__} <= {*dir(aws)}


def test_an_unknown_name_is_refused_as_any_module_does() -> None:
    import cdktf_cdktf_provider_aws as aws

    with pytest.raises(AttributeError, match=f"module '{AWS}' has no attribute 'kms_keys'"):
        aws.kms_keys  # noqa: B018


def test_installing_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--trace-warnings")
    before = list(sys.meta_path)
    bindings.enable_fast_bindings()
    assert sys.meta_path == before
    assert os.environ["NODE_OPTIONS"] == "--trace-warnings"


# What makes a hook give up, each with the reason it must name.


def fake_provider(directory: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Import, through the hook, a package `fake_provider` whose root holds the given body."""
    package = directory / "fake_provider"
    for name in ("_jsii", "some_thing"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text(f"NAME = {name!r}\n")
    (package / "__init__.py").write_text(body)
    provider = bindings.Provider("fake_provider", "@fake/provider")
    monkeypatch.setattr(lazy, "PROVIDERS", (provider,))
    monkeypatch.syspath_prepend(directory)
    for name in [name for name in sys.modules if name.split(".")[0] == "fake_provider"]:
        monkeypatch.delitem(sys.modules, name)
    spec = lazy.Finder().find_spec("fake_provider", None)
    assert spec is not None
    assert spec.loader is not None
    module = types.ModuleType("fake_provider")
    module.__spec__, module.__path__ = spec, spec.submodule_search_locations or []
    monkeypatch.setitem(sys.modules, "fake_provider", module)
    spec.loader.exec_module(module)
    return module


def test_a_root_that_only_imports_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = fake_provider(tmp_path, "EAGER = True\nfrom . import some_thing\n", monkeypatch)
    assert not hasattr(module, "EAGER")
    assert module.some_thing.NAME == "some_thing"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "body", ["EAGER = True\n", "from . import some_thing\nclass Own: pass\nEAGER = True\n"]
)
def test_a_root_of_another_shape_is_loaded_whole(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fake_provider(tmp_path, body, monkeypatch).EAGER
    assert "does not just import its submodules" in capsys.readouterr().err


def test_a_root_that_is_lazy_by_itself_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "def __getattr__(name):\n    return 'its own'\n"
    assert fake_provider(tmp_path, body, monkeypatch).some_thing == "its own"
    assert capsys.readouterr().err == ""


def test_an_old_jsii_gets_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lazy, "FQN_MAP", "no_such_map")
    body = "from . import some_thing\nEAGER = True\n"
    assert fake_provider(tmp_path, body, monkeypatch).EAGER
    assert "this jsii cannot import the types" in capsys.readouterr().err


def test_a_package_outside_plain_files_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = ModuleSpec(AWS, loader=None, origin="packed.zip")
    monkeypatch.setattr(PathFinder, "find_spec", lambda *_: packed)
    assert lazy.Finder().find_spec(AWS, None) is packed
    assert "it does not lie in plain source files (packed.zip)" in capsys.readouterr().err


def test_other_packages_are_left_alone() -> None:
    assert lazy.Finder().find_spec("json", None) is None
    assert type(getattr(find_spec("json"), "loader", None)) is SourceFileLoader


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing of jsii had been imported and no hook installed yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    kept = {name: module for name, module in sys.modules.items() if not name.endswith("._jsii")}
    monkeypatch.setattr(sys, "modules", {k: v for k, v in kept.items() if k != AWS})
    monkeypatch.setattr(sys, "meta_path", [])


@pytest.mark.usefixtures("fresh")
def test_a_provider_imported_too_early_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, AWS, types.ModuleType(AWS))
    bindings.enable_fast_bindings()
    expected = f"bindings: loading all of {AWS}, which is slow: it was imported before"
    assert expected in capsys.readouterr().err


@pytest.mark.usefixtures("fresh")
def test_a_missing_preload_is_named_and_node_is_not_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernel, "PRELOAD", tmp_path / "gone.cjs")
    bindings.enable_fast_bindings()
    assert f"{tmp_path / 'gone.cjs'} is missing" in capsys.readouterr().err
    assert "NODE_OPTIONS" not in os.environ


@pytest.mark.usefixtures("fresh")
def test_the_switch_leaves_everything_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bindings.PLAIN, "1")
    bindings.enable_fast_bindings()
    assert sys.meta_path == []
    assert "NODE_OPTIONS" not in os.environ


# The preload on its own, with a package of three files.


def node(directory: Path, main: str = "lib/index.js", **variables: str) -> tuple[str, str]:
    """What Node gets for `@fake/provider`, and its stderr, with the preload from bindings.py."""
    package = directory / "node_modules" / "@fake" / "provider"
    (package / "lib").mkdir(parents=True, exist_ok=True)
    (package / "package.json").write_text(json.dumps({"main": main}))
    (package / "lib" / "index.js").write_text('module.exports = "eager";')
    (package / "other.js").write_text('module.exports = "other";')
    done = subprocess.run(
        [NODE, "-p", "require('@fake/provider')"],
        cwd=directory,
        env={**os.environ, kernel.PRELOAD_PACKAGES: "@fake/provider", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


@pytest.fixture
def preload(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose name is hard to quote, with the preload in it and a lazy index."""
    directory = tmp_path / 'a "quoted" \\ place'
    directory.mkdir()
    shutil.copy(kernel.PRELOAD, directory)
    monkeypatch.setattr(kernel, "PRELOAD", directory / kernel.PRELOAD.name)
    bindings.enable_fast_bindings()
    lazy_index = directory / "node_modules" / "@fake" / "provider" / "lib" / "lazy-index.js"
    lazy_index.parent.mkdir(parents=True)
    lazy_index.write_text('module.exports = "lazy";')
    return directory


def test_node_gets_the_lazy_index(preload: Path) -> None:
    assert node(preload) == ("lazy", "")


def test_node_gets_other_packages_as_they_are(preload: Path) -> None:
    assert node(preload, **{kernel.PRELOAD_PACKAGES: "@fake/prov"}) == ("eager", "")


def test_node_gets_the_eager_index_where_the_switch_says_so(preload: Path) -> None:
    assert node(preload, **{bindings.PLAIN: "1"}) == ("eager", "")


def test_node_says_that_there_is_no_lazy_index(preload: Path) -> None:
    (preload / "node_modules" / "@fake" / "provider" / "lib" / "lazy-index.js").unlink()
    value, stderr = node(preload)
    assert value == "eager"
    assert stderr.startswith("bindings: loading all of @fake/provider in Node, which is slow: ")
    assert stderr.endswith("lazy-index.js\n")


def test_node_says_that_the_index_lies_elsewhere(preload: Path) -> None:
    value, stderr = node(preload, main="other.js")
    assert value == "other"
    assert "other.js, not lib/index.js" in stderr


@pytest.mark.parametrize(
    ("value", "expected"), [("", False), ("0", False), ("No", False), ("1", True)]
)
def test_switches_are_off_for_zero_and_no(
    value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIN_BINDINGS", value)
    assert common.is_set("PLAIN_BINDINGS") is expected


def test_a_relative_cache_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDINGS_CACHE", "cache")
    assert common.cache_folder() == Path.cwd() / "cache"
