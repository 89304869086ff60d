"""The registry of moto patches: completeness, names and documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

PARAGRAPHS = ("moto 5.2.5: ", "AWS: ", "Reason: ")


Patch = Callable[[], None]


@pytest.fixture(scope="module")
def moto_patches() -> Any:
    """The package of the patches; its import takes seconds, so that only these tests import it."""
    return import_module("tools.emulator.moto_patches")


def module_functions(package: Any) -> Iterator[Patch]:
    """The public functions without arguments of all modules of patches."""
    for path in sorted(Path(package.__file__).parent.glob("[a-z]*.py")):
        module = import_module(f"{package.__name__}.{path.stem}")
        for value in vars(module).values():
            if getattr(value, "__module__", None) != module.__name__ or not callable(value):
                continue
            if value.__name__[0] != "_" and not value.__code__.co_argcount:
                yield value


def test_moto_has_the_version_that_the_patches_correct() -> None:
    assert import_module("moto").__version__ == "5.2.5"


def test_every_patch_function_is_registered_once(moto_patches: Any) -> None:
    patches = moto_patches.PATCHES
    assert list(module_functions(moto_patches)) == patches
    assert len({patch.__name__ for patch in patches}) == len(patches)


def test_patches_document_moto_aws_and_reason(moto_patches: Any) -> None:
    for patch in moto_patches.PATCHES:
        summary, *paragraphs = [
            " ".join(paragraph.split()) for paragraph in str(patch.__doc__).split("\n\n")
        ]
        assert re.fullmatch(r"[A-Z][a-z]+ .*\.", summary), patch
        assert len(paragraphs) == len(PARAGRAPHS), patch
        for paragraph, start in zip(paragraphs, PARAGRAPHS, strict=True):
            assert paragraph.startswith(start), paragraph
            assert paragraph.endswith("."), paragraph


def test_replace_sets_attributes_of_a_class(moto_patches: Any) -> None:
    class Model:
        kept = 1
        replaced = 1

    moto_patches.patching.replace(Model, replaced=2, added=3)
    assert (Model.kept, Model.replaced) == (1, 2)
    assert vars(Model)["added"] == 3
