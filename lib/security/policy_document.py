"""A policy document to which constructs add statements after its resource has been created."""

from __future__ import annotations

from typing import Protocol

from lib.iam_policy import Statement, document


class HasPolicy(Protocol):
    """A resource with the argument `policy`."""

    @property
    def policy(self) -> str: ...
    @policy.setter
    def policy(self, value: str) -> None: ...


class PolicyDocument:
    """Statements of one policy; `attach` connects them to the resource that has the policy.

    Each later `add` writes the resource's argument `policy` again.
    """

    def __init__(self, *statements: Statement) -> None:
        self.statements: list[Statement] = list(statements)
        self._resource: HasPolicy | None = None

    def attach(self, resource: HasPolicy) -> None:
        """Set the resource whose policy later calls of `add` and `write` change."""
        self._resource = resource

    def add(self, *statements: Statement) -> None:
        """Add statements; those that the policy already has are not repeated."""
        new = [one for one in statements if one not in self.statements]
        if new:
            self.statements += new
            self.write()

    def write(self) -> None:
        """Write the statements to the attached resource."""
        if self._resource is not None:
            self._resource.policy = self.to_json()

    def to_json(self) -> str:
        """The policy document as JSON; the same statements give the same bytes."""
        return document(*self.statements)
