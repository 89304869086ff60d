"""Statements of IAM policies: written by constructs, read from documents, compared by meaning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from lib.iam_policy.conditions import Condition, implied, read, restricting_keys
from lib.iam_policy.patterns import action_covers, covers, overlaps

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
Principals = Mapping[str, Sequence[str]] | Literal["*"]
Effect = Literal["Allow", "Deny"]
# The principal of a statement for everyone, signed requests and unsigned ones.
EVERYONE = ("*", "*")


class PolicyError(ValueError):
    """A document that AWS would not accept as a policy."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy.

    `principals` is None in identity policies, and `"*"` for everyone. A trust policy has no
    resources: `resources=()`. `not_actions`, `not_resources` and `not_principals` replace their
    counterparts where a statement applies to everything else.
    """

    sid: str = ""
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    resources: Sequence[str] = ("*",)
    not_resources: Sequence[str] = ()
    principals: Principals | None = None
    not_principals: Principals | None = None
    effect: Effect = "Allow"
    conditions: Conditions = field(default_factory=dict)

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow."""
        return self.effect == "Allow"

    @property
    def all_actions(self) -> bool:
        """Whether the statement applies to every action; `NotAction` does not count."""
        return any(action in ("*", "*:*") for action in self.actions)

    @property
    def all_resources(self) -> bool:
        """Whether the statement applies to every resource; `NotResource` does not count."""
        return not self.not_resources and "*" in self.resources

    @property
    def anonymous(self) -> bool:
        """Whether the principals include everyone, or everyone but some."""
        return self.not_principals is not None or EVERYONE in self.principal_names

    @property
    def restricting_keys(self) -> frozenset[str]:
        """The condition keys, in lower case, that limit the statement to known principals."""
        return restricting_keys(self.conditions)

    @property
    def public(self) -> bool:
        """Whether everyone is allowed, and no condition limits that to known principals."""
        return self.allows and self.anonymous and not self.restricting_keys

    @cached_property
    def principal_names(self) -> frozenset[tuple[str, str]]:
        """The principals as pairs of kind and name.

        An account's root is the account: `("AWS", "123456789012")`; everyone is `EVERYONE`.
        """
        return _principal_names(self.principals)

    @cached_property
    def not_principal_names(self) -> frozenset[tuple[str, str]]:
        """The principals that a statement with `NotPrincipal` leaves out, in the same form."""
        return _principal_names(self.not_principals)

    @cached_property
    def condition_tests(self) -> frozenset[Condition]:
        """The conditions, each with its operator, its key in lower case and its values."""
        return frozenset(read(self.conditions))

    @cached_property
    def meaning(self) -> tuple[frozenset[Any] | str | bool, ...]:
        """A hashable value that is equal for statements of the same meaning; it ignores the Sid."""
        return (
            self.effect,
            frozenset(action.lower() for action in self.actions),
            frozenset(action.lower() for action in self.not_actions),
            frozenset(self.resources),
            frozenset(self.not_resources),
            self.principals is None,
            self.principal_names,
            self.not_principal_names,
            self.condition_tests,
        )

    def covers(self, other: Statement) -> bool:
        """Whether this statement applies, with the same effect, wherever another one does.

        Statements are compared one by one: what only several together cover is not recognized.
        """
        if self.effect != other.effect:
            return False
        if self.meaning == other.meaning:
            return True
        return (
            _range_covers(
                (self.actions, self.not_actions),
                (other.actions, other.not_actions),
                ignore_case=True,
            )
            and self._covers_resources(other)
            and self._covers_principals(other)
            and implied(self.condition_tests, other.condition_tests)
        )

    def _covers_resources(self, other: Statement) -> bool:
        if not other.resources and not other.not_resources:
            # A trust policy, whose only resource is its role.
            return not self.not_resources and (not self.resources or "*" in self.resources)
        return _range_covers(
            (self.resources, self.not_resources),
            (other.resources, other.not_resources),
            ignore_case=False,
        )

    def _covers_principals(self, other: Statement) -> bool:
        if EVERYONE in self.principal_names:
            return True
        if self.not_principals is not None or other.not_principals is not None:
            return self.not_principals is not None and (
                self.not_principal_names <= other.not_principal_names
                if other.not_principals is not None
                else not self.not_principal_names & other.principal_names
                and EVERYONE not in other.principal_names
            )
        if self.principals is None or other.principals is None:
            return self.principals is other.principals
        return other.principal_names <= self.principal_names

    def to_json(self) -> dict[str, object]:
        """The statement with the keys of the policy language."""
        statement: dict[str, object] = {"Effect": self.effect}
        if self.sid:
            statement = {"Sid": self.sid, **statement}
        if self.principals is not None:
            statement["Principal"] = _principals_json(self.principals)
        if self.not_principals is not None:
            statement["NotPrincipal"] = _principals_json(self.not_principals)
        if self.not_actions:
            statement["NotAction"] = _one_or_many(self.not_actions)
        else:
            statement["Action"] = _one_or_many(self.actions)
        if self.not_resources:
            statement["NotResource"] = _one_or_many(self.not_resources)
        elif self.resources:
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


def is_policy(value: object) -> bool:
    """Whether a parsed JSON value is a policy document."""
    return isinstance(value, Mapping) and "Statement" in value


def parse(policy: str | Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document, given as JSON text or as a parsed object.

    Accepts one statement or a list of them, and one value or a list of them wherever AWS does.
    Raises `PolicyError` for a document that AWS would not accept.
    """
    value: object = policy
    if isinstance(policy, str):
        try:
            value = json.loads(policy)
        except ValueError as error:
            raise PolicyError(f"policy: received no JSON: {error}") from error
    if not isinstance(value, Mapping) or not is_policy(value):
        raise PolicyError("policy: received no Statement; accepted: a policy document")
    return [_parse_statement(one) for one in _many(value["Statement"])]


def _parse_statement(value: object) -> Statement:
    if not isinstance(value, Mapping):
        raise PolicyError(f"Statement: received {value!r}; accepted: an object")
    effect = value.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Effect: received {effect!r}; accepted: Allow, Deny")
    return Statement(
        sid=str(value.get("Sid") or ""),
        effect=effect,
        actions=_texts(value.get("Action")),
        not_actions=_texts(value.get("NotAction")),
        resources=_texts(value.get("Resource")),
        not_resources=_texts(value.get("NotResource")),
        principals=_parse_principals(value.get("Principal")),
        not_principals=_parse_principals(value.get("NotPrincipal")),
        conditions=_parse_conditions(value.get("Condition")),
    )


def _parse_principals(value: object) -> Principals | None:
    if value is None:
        return None
    if value == "*":
        return "*"
    if isinstance(value, Mapping):
        return {str(kind): _texts(names) for kind, names in value.items()}
    return {"AWS": _texts(value)}


def _parse_conditions(value: object) -> Conditions:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(v, Mapping) for v in value.values()):
        raise PolicyError(f"Condition: received {value!r}; accepted: keys and values by operator")
    return {
        str(operator): {str(key): _texts(values) for key, values in tests.items()}
        for operator, tests in value.items()
    }


def _many(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in _many(value))


def _principal_names(principals: Principals | None) -> frozenset[tuple[str, str]]:
    if principals is None:
        return frozenset()
    if isinstance(principals, str):
        return frozenset([EVERYONE])
    return frozenset(
        EVERYONE if name == "*" else (kind, account_of_root(name) or name)
        for kind, names in principals.items()
        for name in names
    )


def account_of_root(name: str) -> str | None:
    """The account whose root user an ARN names, if it does: `arn:aws:iam::123456789012:root`."""
    parts = name.split(":")
    is_root = len(parts) == 6 and parts[0] == "arn" and parts[2] == "iam" and parts[5] == "root"
    return parts[4] if is_root else None


def _range_covers(
    ours: tuple[Iterable[str], Iterable[str]],
    theirs: tuple[Iterable[str], Iterable[str]],
    *,
    ignore_case: bool,
) -> bool:
    """Whether patterns, or all but some patterns, cover others; each side as `(named, others)`."""
    (named, left_out), (other_named, other_left_out) = ours, theirs
    cover = action_covers if ignore_case else covers
    if left_out and other_left_out:
        return all(any(cover(theirs, ours) for theirs in other_left_out) for ours in left_out)
    if left_out:
        return bool(other_named) and not any(
            overlaps(one, other, ignore_case=ignore_case)
            for one in left_out
            for other in other_named
        )
    if other_left_out:
        return any(cover(one, "*") for one in named)
    return all(any(cover(one, other) for one in named) for other in other_named)


def _principals_json(principals: Principals) -> object:
    if isinstance(principals, str):
        return principals
    return {kind: _one_or_many(values) for kind, values in principals.items()}


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    # AWS stores a list of one as the bare value; writing it so keeps plans quiet.
    return values[0] if len(values) == 1 else list(values)
