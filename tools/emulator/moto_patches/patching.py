"""Registration of patches, and replacement of attributes of moto's classes and modules."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

Patch = Callable[[], None]

PATCHES: list[Patch] = []
"""Every registered patch, in alphabetical order of modules."""


def moto_patch(patch: Patch) -> Patch:
    """Register a patch, so that ``apply_patches()`` calls it."""
    PATCHES.append(patch)
    return patch


def replace(owner: type | ModuleType, **attributes: object) -> None:
    """Set attributes of one of moto's classes or modules, whether they exist or not."""
    for name, attribute in attributes.items():
        setattr(owner, name, attribute)
