"""Compares IAM and resource policies by what they allow, and shows statements line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tools.plan_review.comparing import is_policy, opened
from tools.plan_review.masking import Json

_ROOT = re.compile(r"^arn:aws[\w-]*:iam::(\d{12}):root$")
# Conditions that hold a statement for everyone to somebody.
_NARROWING = re.compile(
    r"^(aws:(principal|source(arn|account|vpc|vpce|ip|orgid|owner)|calledvia|viaawsservice"
    r"|userid|username|vpcsourceip)|kms:(calleraccount|viaservice|grantoperations)"
    r"|s3:dataaccesspointaccount|sts:externalid|lambda:eventsourcetoken"
    r"|[\w.-]+:(sub|aud|amr)$)",
    re.IGNORECASE,
)
# Operators that say what is not, or may say nothing: they narrow nobody down.
_WEAK_OPERATOR = re.compile(r"not|ifexists|^null$|forallvalues", re.IGNORECASE)


def _many(value: Json) -> list[str]:
    if value is None:
        return []
    return sorted({str(one) for one in (value if isinstance(value, list) else [value])})


def _principals(value: Json) -> frozenset[str]:
    """Each principal as `kind name`; an account's root is the account, `*` is everyone."""
    if value is None:
        return frozenset()
    kinds = value if isinstance(value, Mapping) else {"AWS": value}
    return frozenset(
        "everyone" if name == "*" else f"{kind} " + _ROOT.sub(r"\1", name)
        for kind, names in kinds.items()
        for name in _many(names)
    )


def _conditions(value: Json) -> frozenset[str]:
    return frozenset(
        f"{operator} {key} = {', '.join(_many(values))}"
        for operator, tests in (value if isinstance(value, Mapping) else {}).items()
        for key, values in (tests if isinstance(tests, Mapping) else {}).items()
    )


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, with lists in the place of single values."""

    document: Mapping[str, Json]

    @property
    def sid(self) -> str:
        return str(self.document.get("Sid") or "")

    @property
    def allows(self) -> bool:
        return str(self.document.get("Effect", "")).lower() == "allow"

    @cached_property
    def actions(self) -> list[str]:
        return _many(self.document.get("Action"))

    @cached_property
    def not_actions(self) -> list[str]:
        return _many(self.document.get("NotAction"))

    @cached_property
    def resources(self) -> list[str]:
        return _many(self.document.get("Resource"))

    @cached_property
    def principals(self) -> frozenset[str]:
        return _principals(self.document.get("Principal"))

    @cached_property
    def conditions(self) -> frozenset[str]:
        return _conditions(self.document.get("Condition"))

    @cached_property
    def lines(self) -> list[str]:
        """The statement as a person reads it, its head first."""
        head = ("Allow" if self.allows else "Deny") + (f" {self.sid}" if self.sid else "")
        return [
            head,
            *(f"  {action}" for action in self.actions),
            *(f"  all but {action}" for action in self.not_actions),
            *(f"  on {resource}" for resource in self.resources),
            *(f"  on all but {one}" for one in _many(self.document.get("NotResource"))),
            *(f"  for {principal}" for principal in sorted(self.principals)),
            *(f"  for all but {one}" for one in sorted(self._not_principals)),
            *(f"  if {condition}" for condition in sorted(self.conditions)),
        ]

    @cached_property
    def _not_principals(self) -> frozenset[str]:
        return _principals(self.document.get("NotPrincipal"))

    @cached_property
    def meaning(self) -> frozenset[str]:
        """What the statement says, without its name; action names have no case."""
        effect = "Allow" if self.allows else "Deny"
        return frozenset([effect, *(line.lower() for line in self.lines[1 : 1 + self._cased])]) | {
            *self.lines[1 + self._cased :]
        }

    @property
    def _cased(self) -> int:
        return len(self.actions) + len(self.not_actions)

    @property
    def for_everyone(self) -> bool:
        """Does it allow everybody, with no condition that says whom?"""
        everyone = "everyone" in self.principals or bool(self._not_principals)
        return self.allows and everyone and not any(map(_narrows, self.conditions))

    def wildcard(self, *, identity: bool) -> bool:
        """Does it allow everything: every action, or in an identity policy a whole service's
        actions on every resource?"""
        if not self.allows:
            return False
        if self.not_actions and "*" in self.resources:
            return True
        whole = {"*", "*:*"} & {*self.actions}
        if not identity:
            # In a resource policy `*` means this resource; who may do it is what matters.
            return bool(whole) and "everyone" in self.principals
        service = any(action.endswith(":*") for action in self.actions)
        return bool(whole) or (service and "*" in self.resources)

    def covers(self, other: Statement) -> bool:
        """Does this one allow (or deny) all that the other one does?"""
        if self.allows != other.allows or not self.conditions <= other.conditions:
            return False
        if {"NotAction", "NotResource", "NotPrincipal"} & {*self.document, *other.document}:
            return self.meaning == other.meaning
        actions = all(_any_matches(self.actions, one, case=False) for one in other.actions)
        resources = not other.resources or all(
            _any_matches(self.resources, one, case=True) for one in other.resources
        )
        principals = "everyone" in self.principals or other.principals <= self.principals
        return actions and resources and principals


def _narrows(condition: str) -> bool:
    operator, key, _, values = condition.split(" ", 3)
    weak = _WEAK_OPERATOR.search(operator.rpartition(":")[2]) or _WEAK_OPERATOR.search(operator)
    anything = {"*", "0.0.0.0/0", "::/0"} & {*values.split(", ")}
    return bool(_NARROWING.match(key)) and not weak and not anything


def _any_matches(patterns: Sequence[str], text: str, *, case: bool) -> bool:
    """Does one of the patterns match all that the text, itself a pattern, matches?"""
    flags = 0 if case else re.IGNORECASE
    return any(
        re.fullmatch(
            "".join({"*": ".*", "?": "[^*]"}.get(char, re.escape(char)) for char in pattern),
            text,
            flags | re.DOTALL,
        )
        for pattern in patterns
    )


def statements(value: Json) -> list[Statement]:
    """The statements of a policy document, given as JSON text or opened; none of anything else."""
    document = opened(value)
    if not is_policy(document):
        return []
    listed = document["Statement"]
    listed = listed if isinstance(listed, list) else [listed]
    return [Statement(one) for one in listed if isinstance(one, Mapping)]


@dataclass(frozen=True)
class PolicyChange:
    """A policy before and after: the statements that came and went."""

    gone: tuple[Statement, ...]
    came: tuple[Statement, ...]
    kept: tuple[Statement, ...]

    @classmethod
    def between(cls, before: Json, after: Json) -> PolicyChange:
        old, new = statements(before), statements(after)
        had, has = {one.meaning for one in old}, {one.meaning for one in new}
        return cls(
            gone=tuple(one for one in old if one.meaning not in has),
            came=tuple(one for one in new if one.meaning not in had),
            kept=tuple(one for one in new if one.meaning in had),
        )

    def __bool__(self) -> bool:
        return bool(self.gone or self.came)

    @property
    def widened(self) -> bool:
        """Is something allowed that was not? Or no longer denied?"""
        before, after = (*self.gone, *self.kept), (*self.came, *self.kept)
        allowed = any(
            one.allows and not any(old.covers(one) for old in before) for one in self.came
        )
        no_longer = any(
            not one.allows and not any(new.covers(one) for new in after) for one in self.gone
        )
        return allowed or no_longer

    def lines(self) -> Iterator[str]:
        """The change as lines of a diff; within a statement, those that stay have a blank."""
        came = list(self.came)
        for old in self.gone:
            new = _counterpart(old, came)
            if new is None:
                yield from (f"- {line}" for line in old.lines)
                continue
            came.remove(new)
            yield from _within(old, new)
        for one in came:
            yield from (f"+ {line}" for line in one.lines)


def _counterpart(old: Statement, new: list[Statement]) -> Statement | None:
    """The statement that took another one's place: the same name, or else much in common."""
    named = [one for one in new if old.sid and one.sid == old.sid and one.allows == old.allows]
    if named:
        return named[0]
    alike = [(len(old.meaning & one.meaning), n) for n, one in enumerate(new)]
    best, n = max(alike, default=(0, 0), key=lambda pair: (pair[0], -pair[1]))
    return new[n] if best * 2 > len(old.meaning) and new[n].allows == old.allows else None


def _within(old: Statement, new: Statement) -> Iterator[str]:
    had, has = {*old.lines}, {*new.lines}
    merged = dict.fromkeys([*old.lines, *new.lines])
    ranks = {line: rank for rank, line in enumerate(merged)}
    kinds = ("  all but ", "  on all but ", "  on ", "  for ", "  if ")

    def order(line: str) -> tuple[int, int]:
        if not line.startswith("  "):
            return 0, ranks[line]
        kind = next((n for n, start in enumerate(kinds, 2) if line.startswith(start)), 1)
        return kind, ranks[line]

    for line in sorted(merged, key=order):
        sign = " " if line in had and line in has else "-" if line in had else "+"
        yield f"{sign} {line}"
