"""Rules that every stack has to follow, each as a function that names the resources which break it.

A suppression beside the resource excuses it: `suppress(resource, since="2026-11", reasons={"rule": "why"})`.
"""

from lib.rules import encryption, exposure, naming, permissions, upkeep
from lib.rules.registry import (
    RULES,
    Controls,
    Finding,
    Rule,
    evaluate,
    findings,
    rule_suppressions,
)
from lib.template import Resource, Template

__all__ = [
    "RULES",
    "Controls",
    "Finding",
    "Resource",
    "Rule",
    "Template",
    "encryption",
    "evaluate",
    "exposure",
    "findings",
    "naming",
    "permissions",
    "rule_suppressions",
    "upkeep",
]
