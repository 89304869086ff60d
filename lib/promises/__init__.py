"""What every stack promises, each as a function that names the resources which break it.

A waiver beside the resource excuses it: `waive(resource, "2026-11", name_of_the_promise="why")`.
"""

from lib.promises import encryption, exposure, naming, permissions, upkeep
from lib.promises.registry import (
    PROMISES,
    Controls,
    Finding,
    Promise,
    broken,
    findings,
    own_waivers,
)
from lib.promises.template import Resource, Template

__all__ = [
    "PROMISES",
    "Controls",
    "Finding",
    "Promise",
    "Resource",
    "Template",
    "broken",
    "encryption",
    "exposure",
    "findings",
    "naming",
    "own_waivers",
    "permissions",
    "upkeep",
]
