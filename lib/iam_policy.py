"""IAM policy documents as plain data, so that they can be read, tested and reviewed in the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; `principals` is left out in identity policies.

    A trust policy has no resources: `resources=()`.
    `"*"` as principals means everyone and belongs in Deny statements only; `not_actions`
    replaces `actions` where a statement is about everything but some services.
    """

    sid: str
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    resources: Sequence[str] = ("*",)
    principals: Mapping[str, Sequence[str]] | Literal["*"] | None = None
    effect: Literal["Allow", "Deny"] = "Allow"
    conditions: Conditions = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The statement in the policy language's own keys."""
        statement: dict[str, object] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals is not None:
            statement["Principal"] = (
                self.principals
                if isinstance(self.principals, str)
                else {kind: _one_or_many(values) for kind, values in self.principals.items()}
            )
        if self.not_actions:
            statement["NotAction"] = _one_or_many(self.not_actions)
        else:
            statement["Action"] = _one_or_many(self.actions)
        if self.resources:
            statement["Resource"] = _one_or_many(self.resources)
        if self.conditions:
            statement["Condition"] = {
                operator: {
                    name: value if isinstance(value, str) else _one_or_many(value)
                    for name, value in tests.items()
                }
                for operator, tests in self.conditions.items()
            }
        return statement


def service(*names: str) -> dict[str, Sequence[str]]:
    """The principal of AWS services: `service("logs")` is logs.amazonaws.com."""
    return {"Service": [f"{name}.amazonaws.com" for name in names]}


def document(*statements: Statement) -> str:
    """The statements as a policy document; the same statements give the same bytes."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement.to_json() for statement in statements]},
        separators=(",", ":"),
    )


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    # AWS stores a list of one as the bare value; writing it so keeps plans quiet.
    return values[0] if len(values) == 1 else list(values)
