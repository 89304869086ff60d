"""Applies the text constraints of ``lib.aws_constraints`` that botocore's models lack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lib import aws_constraints
from lib.aws_constraints import TextConstraint, select
from tools.emulator.validation.requests import ApiRequest
from tools.emulator.validation.shapes import Violation, shown

Constraints = dict[tuple[str, str], list[tuple[str, TextConstraint]]]


def _by_operation(constraints: tuple[TextConstraint, ...]) -> Constraints:
    found: Constraints = defaultdict(list)
    for constraint in constraints:
        # ``shapes`` applies the constraints of the models.
        for service, operation, member in () if constraint.in_model else constraint.members:
            found[service, operation].append((member, constraint))
    return found


CONSTRAINTS = _by_operation(aws_constraints.TEXT_CONSTRAINTS)


def violations(request: ApiRequest) -> Iterator[Violation]:
    """Yield the members of a request whose text AWS does not accept."""
    for member, constraint in CONSTRAINTS.get((request.service, request.operation), ()):
        for path, text in select(request.values, member):
            problem = constraint.problem(text) if isinstance(text, str) else None
            if problem:
                yield Violation(
                    path,
                    shown(text),
                    f"Member must be a {constraint.name} of {problem} ({constraint.source})",
                    "text",
                )
