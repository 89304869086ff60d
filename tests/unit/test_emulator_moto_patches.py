"""The registry of moto patches: completeness, names and documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import moto
import pytest

from tools.emulator import moto_patches
from tools.emulator.moto_patches import PATCHES
from tools.emulator.moto_patches.patching import Patch, replace

PARAGRAPHS = ("moto 5.2.5: ", "AWS: ", "Reason: ")


def module_functions() -> Iterator[Patch]:
    """The public functions without arguments of all modules of patches."""
    for path in sorted(Path(moto_patches.__file__).parent.glob("[a-z]*.py")):
        module = import_module(f"{moto_patches.__name__}.{path.stem}")
        for value in vars(module).values():
            if getattr(value, "__module__", None) != module.__name__ or not callable(value):
                continue
            if value.__name__[0] != "_" and not value.__code__.co_argcount:
                yield value


def test_moto_has_the_version_that_the_patches_correct() -> None:
    assert moto.__version__ == "5.2.5"


def test_every_patch_function_is_registered_once() -> None:
    assert list(module_functions()) == PATCHES
    assert len({patch.__name__ for patch in PATCHES}) == len(PATCHES)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_patch_documents_moto_aws_and_reason(patch: Patch) -> None:
    summary, *paragraphs = [
        " ".join(paragraph.split()) for paragraph in str(patch.__doc__).split("\n\n")
    ]
    assert re.fullmatch(r"[A-Z][a-z]+ .*\.", summary)
    assert len(paragraphs) == len(PARAGRAPHS)
    for paragraph, start in zip(paragraphs, PARAGRAPHS, strict=True):
        assert paragraph.startswith(start), paragraph
        assert paragraph.endswith("."), paragraph


def test_replace_sets_attributes_of_a_class() -> None:
    class Model:
        kept = 1
        replaced = 1

    replace(Model, replaced=2, added=3)
    assert (Model.kept, Model.replaced) == (1, 2)
    assert vars(Model)["added"] == 3
