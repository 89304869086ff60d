"""Constraints of botocore's models that are not enforced, because AWS accepts what they exclude."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.emulator.validation.shapes import Violation

_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Unenforced:
    """One kind of constraint of one member that AWS does not enforce; ``*`` is any operation.

    ``member`` is a path without indices: ``Rules[].Name``.
    """

    service: str
    operation: str
    member: str
    kind: str
    reason: str


EXCEPTIONS: tuple[Unenforced, ...] = ()
"""Empty: every request of the AWS provider for the stacks satisfies the models of botocore.

A row is added where AWS accepts a request that the emulator rejects, for example an enum value that
is newer than botocore: ``Unenforced("lambda", "CreateFunction", "Runtime", "enum", "why …")``.
"""


def is_unenforced(service: str, operation: str, violation: Violation) -> bool:
    """Return whether the table excludes a violation."""
    member = _INDEX.sub("[]", violation.path)
    return any(
        one.service == service
        and one.operation in ("*", operation)
        and one.member == member
        and one.kind == violation.kind
        for one in EXCEPTIONS
    )
