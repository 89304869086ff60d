"""Condition operators of IAM policies: how they compare, and which conditions limit principals.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lib import cidr
from lib.iam_policy.patterns import ONE, STAR, Tokens, covers, match_tokens, tokenize

Lookup = Callable[[str], Sequence[str] | None]

# Keys whose value a caller outside the named accounts, networks or identities cannot choose. Keys
# of a service on the way (kms:ViaService, aws:CalledVia) and tags of principals are not among them:
# principals of every account can have them.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_RESTRICTING_KEY = re.compile(
    r"aws:principal(account|arn|orgid|orgpaths)|aws:source(account|arn|orgid|orgpaths|owner)"
    r"|aws:source(vpc|vpce|vpcarn|ip)|aws:userid|aws:username|kms:calleraccount"
    r"|s3:dataaccesspoint(account|arn)|sts:externalid|lambda:eventsourcetoken"
    r"|[\w.-]+(/[\w./-]+)?:(sub|aud|amr)",
    re.IGNORECASE,
)
_RESTRICTING_OPERATORS = {
    *("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"),
    "IpAddress",
}
_ARN_PARTS = 6


class ConditionError(ValueError):
    """A condition whose operator does not exist."""


class Operator(NamedTuple):
    """A condition operator: the set operator before it, the comparison and its variants."""

    quantifier: str
    comparison: str
    negated: bool
    if_exists: bool


class Condition(NamedTuple):
    """One condition: a key in lower case that is compared with values."""

    operator: str
    key: str
    values: frozenset[str]


def read(conditions: Mapping[str, Mapping[str, str | Sequence[str]]]) -> Iterator[Condition]:
    """The conditions of a statement, one for each key of each operator."""
    for operator, by_key in conditions.items():
        for key, values in by_key.items():
            given = [values] if isinstance(values, str) else values
            yield Condition(operator, key.lower(), frozenset(given))


def parse_operator(name: str) -> Operator:
    """The parts of an operator, such as `ForAnyValue:StringNotLikeIfExists`."""
    quantifier, _, rest = name.rpartition(":")
    if_exists = rest.endswith("IfExists")
    comparison = rest.removesuffix("IfExists")
    positive = _NEGATIONS.get(comparison, comparison)
    known = positive in _COMPARISONS or (positive == "Null" and not if_exists and not quantifier)
    if quantifier not in ("", "ForAnyValue", "ForAllValues") or not known:
        raise ConditionError(f"condition operator: received {name}; accepted: those of IAM")
    return Operator(quantifier, positive, comparison in _NEGATIONS, if_exists)


def restricting_keys(conditions: Mapping[str, Mapping[str, str | Sequence[str]]]) -> frozenset[str]:
    """The keys, in lower case, whose conditions limit a statement to known principals.

    Only operators that require the key count, and only if every value names a principal or a
    network: values that begin with a wildcard, ARNs with one in place of the account, and public
    address ranges do not.
    """
    return frozenset(
        one.key
        for one in read(conditions)
        if one.operator.removeprefix("ForAnyValue:") in _RESTRICTING_OPERATORS
        and _RESTRICTING_KEY.fullmatch(one.key)
        and one.values
        and not any(_names_everyone(value) for value in one.values)
        and not cidr.public_ranges(sorted(one.values))
    )


def _names_everyone(value: str) -> bool:
    if value.startswith("arn:"):
        parts = value.split(":", _ARN_PARTS - 1)
        # What an incomplete ARN leaves out is behind its wildcard.
        value = (parts[4] or parts[5]) if len(parts) == _ARN_PARTS else "*"
    return tokenize(value)[:1] in ((), (STAR,), (ONE,))


def implied(ours: Iterable[Condition], theirs: Iterable[Condition]) -> bool:
    """Whether all of our conditions hold wherever all of theirs do."""
    given = list(theirs)
    return all(any(_implies(other, one) for other in given) for one in ours)


def _implies(condition: Condition, weaker: Condition) -> bool:
    """Whether the second condition holds wherever the first one does."""
    if condition == weaker:
        return True
    same = condition.operator in (weaker.operator, weaker.operator.removesuffix("IfExists"))
    if condition.key != weaker.key or not same:
        return False
    try:
        operator = parse_operator(weaker.operator)
    except ConditionError:
        return False
    if operator.comparison == "Null":
        return False
    if operator.negated:
        return _values_cover(operator, condition.values, weaker.values)
    return _values_cover(operator, weaker.values, condition.values)


def _values_cover(operator: Operator, ours: Iterable[str], theirs: Iterable[str]) -> bool:
    if operator.comparison == "IpAddress":
        return all(any(cidr.contains(one, other) for one in ours) for other in theirs)
    if operator.comparison == "StringLike":
        return all(any(covers(one, other) for one in ours) for other in theirs)
    return set(theirs) <= set(ours)


def holds(name: str, key: str, expected: Sequence[Tokens], lookup: Lookup) -> bool:
    """Whether a condition holds for a request.

    `expected` are the tokens of the values, without variables; `lookup` returns the values that the
    request has for a key, or None where it has no such key.
    """
    operator = parse_operator(name)
    values = lookup(key)
    if operator.comparison == "Null":
        return (values is None) == (_text(expected[0]).lower() == "true")
    if values is None:
        if operator.if_exists:
            return True
        if operator.quantifier:
            return operator.quantifier == "ForAllValues"
        return operator.negated
    compare = _COMPARISONS[operator.comparison]
    outcomes = [
        any(compare(value, one) for one in expected) is not operator.negated for value in values
    ]
    return all(outcomes) if operator.quantifier == "ForAllValues" else any(outcomes)


def _text(tokens: Tokens) -> str:
    """The value as text, for operators that have no wildcards."""
    return "".join({STAR: "*", ONE: "?"}.get(token, token) for token in tokens)


def _like(value: str, expected: Tokens) -> bool:
    return match_tokens(expected, tuple(value))


def _arn_like(value: str, expected: Tokens) -> bool:
    """Each of the six parts of an ARN matches by itself."""
    parts = _split(expected)
    given = value.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return _like(value, expected)
    return len(given) == _ARN_PARTS and all(map(_like, given, parts))


def _split(tokens: Tokens) -> list[Tokens]:
    parts: list[list[str]] = [[]]
    for one in tokens:
        if one == ":" and len(parts) < _ARN_PARTS:
            parts.append([])
        else:
            parts[-1].append(one)
    return [tuple(part) for part in parts]


def _in_network(value: str, expected: Tokens) -> bool:
    # A range of addresses is not an address.
    return (
        "/" not in value
        and bool(cidr.parse_network(value))
        and cidr.contains(_text(expected), value)
    )


def _date(text: str) -> float:
    """Seconds since the epoch of a date in ISO 8601, or of such a number."""
    try:
        return float(text)
    except ValueError:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _ordered(
    convert: Callable[[str], float], compare: Callable[[float, float], bool]
) -> Callable[[str, Tokens], bool]:
    def test(value: str, expected: Tokens) -> bool:
        try:
            return compare(convert(value), convert(_text(expected)))
        except ValueError:
            # A value of another type never compares.
            return False

    return test


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda value, expected: value == expected,
    "LessThan": lambda value, expected: value < expected,
    "LessThanEquals": lambda value, expected: value <= expected,
    "GreaterThan": lambda value, expected: value > expected,
    "GreaterThanEquals": lambda value, expected: value >= expected,
}
_COMPARISONS: dict[str, Callable[[str, Tokens], bool]] = {
    "StringEquals": lambda value, expected: value == _text(expected),
    "StringEqualsIgnoreCase": lambda value, expected: value.lower() == _text(expected).lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "BinaryEquals": lambda value, expected: value == _text(expected),
    "Bool": lambda value, expected: value.lower() == _text(expected).lower(),
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(float, order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _ordered(_date, order) for name, order in _ORDERS.items()},
}
_NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
