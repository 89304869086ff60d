"""Rules for every stack: functions over the synthesized JSON that yield violations.

A rule does not apply to a resource that suppresses it, with a reason and a month:
`suppress(resource, since="2026-11", reasons={"RULE": "why it does not apply"})`.
"""

from lib.rules import encryption, exposure, naming, permissions, texts, upkeep
from lib.rules.naming import Duplicate, duplicate_physical_names
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
    "Duplicate",
    "Finding",
    "Resource",
    "Rule",
    "Template",
    "duplicate_physical_names",
    "encryption",
    "evaluate",
    "exposure",
    "findings",
    "naming",
    "permissions",
    "rule_suppressions",
    "texts",
    "upkeep",
]
