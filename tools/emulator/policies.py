"""Judges IAM and resource policies the way AWS does, as far as our stacks use the language.

Pure functions over parsed JSON. What the language offers beyond this (NotPrincipal, date
operators, ...) raises ``NotImplementedError`` instead of being guessed at.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any


class Decision(Enum):
    """The result of evaluating policies."""

    ALLOW = "allow"
    DENY = "deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True)
class Request:
    """One API call: who does what to which resource, under which circumstances.

    ``action`` is ``service:Operation``; ``principal`` an ARN or, for AWS itself, the service's
    host name; ``context`` holds condition keys in any case, with one value or several.
    """

    action: str
    resource: str
    principal: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)

    def values(self, key: str) -> list[str] | None:
        """The values of a condition key; None where the call has no such key."""
        for name, value in self.context.items():
            if name.lower() == key.lower():
                return value if isinstance(value, list) else [value]
        return None


def evaluate(policies: Iterable[str | Mapping[str, Any]], call: Request) -> Decision:
    """Evaluate policies of one kind together; a Deny that matches overrides every Allow."""
    documents = [json.loads(policy) if isinstance(policy, str) else policy for policy in policies]
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _many(document.get("Statement"))
        if _concerns(statement, call)
    }
    if "Deny" in effects:
        return Decision.DENY
    return Decision.ALLOW if "Allow" in effects else Decision.IMPLICIT_DENY


def _many(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _concerns(statement: Mapping[str, Any], call: Request) -> bool:
    return (
        _names_action(statement, call.action)
        and _names_resource(statement, call)
        and _names_principal(statement, call)
        and all(
            _holds(operator, key, _many(expected), call)
            for operator, tests in statement.get("Condition", {}).items()
            for key, expected in tests.items()
        )
    )


def _like(value: str, pattern: str) -> bool:
    # In policies only * and ? are special; fnmatch also knows [sets].
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    def named(patterns: object) -> bool:
        return any(_like(action.lower(), str(one).lower()) for one in _many(patterns))

    if "NotAction" in statement:
        return not named(statement["NotAction"])
    return named(statement["Action"])


def _names_resource(statement: Mapping[str, Any], call: Request) -> bool:
    def named(patterns: object) -> bool:
        return any(_like(call.resource, _filled(str(one), call)) for one in _many(patterns))

    if "NotResource" in statement:
        return not named(statement["NotResource"])
    if "Resource" in statement:
        return named(statement["Resource"])
    return True  # a trust policy speaks of its role alone


def _names_principal(statement: Mapping[str, Any], call: Request) -> bool:
    if "NotPrincipal" in statement:
        raise NotImplementedError("NotPrincipal")
    if "Principal" not in statement:
        return True  # an identity's own policy
    principal = statement["Principal"]
    if principal == "*":
        return True
    if not call.principal.startswith("arn:"):
        return call.principal in _many(principal.get("Service"))
    account = call.principal.split(":")[4]
    everyone = {"*", account, f"arn:aws:iam::{account}:root"}
    return any(one == call.principal or one in everyone for one in _many(principal.get("AWS")))


def _filled(text: str, call: Request) -> str:
    """Put the call's values in place of policy variables such as ${aws:PrincipalAccount}."""

    def value(match: re.Match[str]) -> str:
        values = call.values(match.group(1))
        return values[0] if values else match.group(0)

    return re.sub(r"\$\{([^}]+)\}", value, text)


def _as_bool(value: str) -> str:
    return str(value).lower()


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: _as_bool(value) == _as_bool(wanted),
    "IpAddress": _in_network,
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
}
_NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}


def _holds(operator: str, key: str, expected: list[Any], call: Request) -> bool:
    values = call.values(key)
    if operator == "Null":
        return (values is None) == (_as_bool(expected[0]) == "true")
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    negated = base in _NEGATIONS
    test = _TESTS.get(_NEGATIONS.get(base, base))
    if test is None:
        raise NotImplementedError(f"condition operator {operator}")
    if values is None and quantifier:
        # Of no values all are as wanted and none is, negated or not.
        return quantifier == "ForAllValues"
    if values is None:
        return name.endswith("IfExists") or negated
    wanted = [_filled(str(one), call) for one in expected]
    outcomes = [any(test(value, one) for one in wanted) != negated for value in values]
    return all(outcomes) if quantifier == "ForAllValues" else any(outcomes)
