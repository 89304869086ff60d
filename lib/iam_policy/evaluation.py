"""Evaluates requests against policies as AWS does: a Deny that matches overrides every Allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lib.iam_policy import conditions
from lib.iam_policy.patterns import any_matches, match_tokens, substitute, tokenize
from lib.iam_policy.statement import EVERYONE, Statement, parse


class Decision(Enum):
    """The result of evaluating policies: IMPLICIT_DENY where no statement matches."""

    ALLOW = "allow"
    DENY = "deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True)
class Request:
    """One API request: the action, the resource it acts on, its principal and its context.

    `action` is `service:Operation`; `principal` an ARN, the host name of an AWS service, or `*`
    for an unsigned request; `context` holds condition keys in any case, with one value or several.
    """

    action: str
    resource: str
    principal: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def values(self, key: str) -> Sequence[str] | None:
        """The values of a condition key; None where the request does not have the key."""
        for name, value in self.context.items():
            if name.lower() == key.lower():
                return [value] if isinstance(value, str) else value
        return None

    def variable(self, name: str) -> str | None:
        """The value of a policy variable; None where the request has not exactly one."""
        values = self.values(name)
        return values[0] if values is not None and len(values) == 1 else None


Policy = str | Mapping[str, Any] | Sequence[Statement]


def evaluate(policies: Iterable[Policy], request: Request) -> Decision:
    """Evaluate policies of one kind together: documents, or statements that were parsed."""
    effects = {
        statement.effect
        for policy in policies
        for statement in (parse(policy) if isinstance(policy, str | Mapping) else policy)
        if applies(statement, request)
    }
    if "Deny" in effects:
        return Decision.DENY
    return Decision.ALLOW if "Allow" in effects else Decision.IMPLICIT_DENY


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement matches a request by action, resource, principal and conditions.

    Raises `ConditionError` for a condition operator that does not exist.
    """
    return (
        _action_matches(statement, request.action)
        and _resource_matches(statement, request)
        and _principal_matches(statement, request)
        and all(
            _condition_holds(operator, key, values, request)
            for operator, tests in statement.conditions.items()
            for key, values in tests.items()
        )
    )


def _action_matches(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any_matches(statement.not_actions, action, ignore_case=True)
    return any_matches(statement.actions, action, ignore_case=True)


def _resource_matches(statement: Statement, request: Request) -> bool:
    def named(patterns: Iterable[str]) -> bool:
        filled = (substitute(tokenize(one), request.variable) for one in patterns)
        resource = tuple(request.resource)
        # A pattern with a variable that the request lacks matches nothing.
        return any(one is not None and match_tokens(one, resource) for one in filled)

    if statement.not_resources:
        return not named(statement.not_resources)
    # A trust policy has no resources: it applies to its role alone.
    return not statement.resources or named(statement.resources)


def _principal_matches(statement: Statement, request: Request) -> bool:
    if statement.not_principals is not None:
        return not _is_named(statement.not_principal_names, request.principal)
    if statement.principals is None:
        return True  # the policy of an identity
    if statement.principals == "*":
        return True
    return _is_named(statement.principal_names, request.principal)


def _is_named(names: frozenset[tuple[str, str]], principal: str) -> bool:
    if principal == "*":
        return EVERYONE in names
    if not principal.startswith("arn:"):
        # `{"AWS": "*"}` does not include AWS services.
        return ("Service", principal) in names
    account = principal.split(":")[4]
    return not names.isdisjoint({EVERYONE, ("AWS", account), ("AWS", principal)})


def _condition_holds(
    operator: str, key: str, expected: str | Sequence[str], request: Request
) -> bool:
    given = [expected] if isinstance(expected, str) else expected
    filled = [substitute(tokenize(one), request.variable) for one in given]
    known = [one for one in filled if one is not None]
    return conditions.holds(operator, key, known, request.values)
