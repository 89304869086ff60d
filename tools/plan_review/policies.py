"""Compares IAM and resource policies by their statements, and formats statements as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lib.iam_policy import EVERYONE, Statement, is_policy, parse
from tools.plan_review.comparison import parse_json
from tools.plan_review.values import Json


def statements(value: Json) -> list[Statement]:
    """Return the statements of a policy document, given as JSON text or parsed.

    Returns none for any other value; raises `lib.iam_policy.PolicyError` if AWS would reject the
    document.
    """
    document = parse_json(value)
    return parse(document) if is_policy(document) else []


def has_wildcard_permissions(statement: Statement, *, identity: bool) -> bool:
    """Return whether a statement allows everything.

    In an identity policy that is every action, all actions of a service on every resource, or
    `NotAction` on every resource. In a resource policy, `*` means that resource, so that only a
    statement with every action for every principal counts.
    """
    if not statement.allows:
        return False
    if statement.not_actions and statement.all_resources:
        return True
    if not identity:
        return statement.all_actions and EVERYONE in statement.principal_names
    service = any(action.endswith(":*") for action in statement.actions)
    return statement.all_actions or (service and statement.all_resources)


def format_statement(statement: Statement) -> list[str]:
    """Return a statement as lines: effect and Sid, actions, resources, principals, conditions."""
    return [
        statement.effect + (f" {statement.sid}" if statement.sid else ""),
        *(f"  {action}" for action in sorted(set(statement.actions))),
        *(f"  all actions except {action}" for action in sorted(set(statement.not_actions))),
        *(f"  on {resource}" for resource in sorted(set(statement.resources))),
        *(f"  on all resources except {one}" for one in sorted(set(statement.not_resources))),
        *(f"  for {one}" for one in _principals(statement.principal_names)),
        *(f"  for all except {one}" for one in _principals(statement.not_principal_names)),
        *(f"  if {condition}" for condition in _conditions(statement.conditions)),
    ]


# The order of the kinds of lines in a statement, by their first words.
_KINDS = ("  all actions ", "  on all ", "  on ", "  for ", "  if ")


def _principals(names: frozenset[tuple[str, str]]) -> list[str]:
    return sorted("everyone" if one == EVERYONE else " ".join(one) for one in names)


def _conditions(conditions: Mapping[str, Mapping[str, str | Sequence[str]]]) -> list[str]:
    return sorted(
        f"{operator} {key} = {_values(values)}"
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )


def _values(values: str | Sequence[str]) -> str:
    return values if isinstance(values, str) else ", ".join(sorted(set(values)))


@dataclass(frozen=True)
class PolicyChange:
    """The statements that are removed from a policy, added to it, and kept."""

    removed: tuple[Statement, ...]
    added: tuple[Statement, ...]
    kept: tuple[Statement, ...]

    @classmethod
    def between(cls, before: Json, after: Json) -> PolicyChange:
        """Compare two policies; raises PolicyError if AWS would reject one of them."""
        old, new = statements(before), statements(after)
        old_meanings, new_meanings = {one.meaning for one in old}, {one.meaning for one in new}
        return cls(
            removed=tuple(one for one in old if one.meaning not in new_meanings),
            added=tuple(one for one in new if one.meaning not in old_meanings),
            kept=tuple(one for one in new if one.meaning in old_meanings),
        )

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)

    @property
    def widened(self) -> bool:
        """Whether something is allowed that was not allowed before, or is no longer denied."""
        before, after = (*self.removed, *self.kept), (*self.added, *self.kept)
        newly_allowed = any(
            one.allows and not any(old.covers(one) for old in before) for one in self.added
        )
        no_longer_denied = any(
            not one.allows and not any(new.covers(one) for new in after) for one in self.removed
        )
        return newly_allowed or no_longer_denied

    def lines(self) -> Iterator[str]:
        """Yield the change as lines of a diff; kept lines of a statement begin with a blank."""
        added = list(self.added)
        for old in self.removed:
            new = _successor(old, added)
            if new is None:
                yield from (f"- {line}" for line in format_statement(old))
                continue
            added.remove(new)
            yield from _diff(old, new)
        for one in added:
            yield from (f"+ {line}" for line in format_statement(one))


def _successor(old: Statement, added: list[Statement]) -> Statement | None:
    """Return the statement that replaces another one: the same Sid, or most lines in common."""
    candidates = [one for one in added if one.effect == old.effect]
    for one in candidates:
        if old.sid and one.sid == old.sid:
            return one
    lines = _comparable_lines(old)
    best, common = None, 0
    for one in candidates:
        number = len(lines & _comparable_lines(one))
        if number > common:
            best, common = one, number
    return best if common * 2 > len(lines) else None


def _comparable_lines(statement: Statement) -> set[str]:
    return {statement.effect, *format_statement(statement)[1:]}


def _diff(old: Statement, new: Statement) -> Iterator[str]:
    before, after = format_statement(old), format_statement(new)
    merged = list(dict.fromkeys([*before, *after]))

    def order(line: str) -> int:
        if not line.startswith("  "):
            return 0
        return next((n for n, start in enumerate(_KINDS, 2) if line.startswith(start)), 1)

    for line in sorted(merged, key=order):
        sign = " " if line in before and line in after else "-" if line in before else "+"
        yield f"{sign} {line}"
