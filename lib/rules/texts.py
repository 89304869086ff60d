"""Rules about texts that AWS accepts; ``terraform plan`` does not verify them."""

from __future__ import annotations

import re

from lib.aws_constraints import TEXT_CONSTRAINTS, select
from lib.rules.registry import Controls, Violations, rule
from lib.template import Template

# A reference of Terraform, with one level of braces inside it.
_REFERENCE = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")


@rule(
    why="AWS rejects the text during the apply, after other resources have been created",
    remedy="Change the text to an accepted one",
    # Information input validation.
    controls=Controls(nist=("SI-10",)),
    suppressible=False,
)
def require_accepted_text(template: Template) -> Violations:
    """Names and descriptions have the characters and the length that AWS accepts."""
    for constraint in TEXT_CONSTRAINTS:
        for type_, argument, operation in constraint.arguments:
            for resource in template.resources(type_):
                for path, text in select(resource.body, argument):
                    if not isinstance(text, str):
                        continue
                    # A reference counts as one digit: its value is unknown until the apply.
                    problem = constraint.problem(_REFERENCE.sub("0", text))
                    if problem and not _REFERENCE.fullmatch(text):
                        yield (
                            f"{resource}: {path}: received {text!r}; accepted: {problem}"
                            f" ({constraint.name} of {constraint.member_of(operation)},"
                            f" {constraint.source})"
                        )
