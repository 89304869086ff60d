"""Compares values of a plan semantically: order and formatting do not count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lib.iam_policy import PolicyError, Principals, Statement, is_policy, parse
from tools.plan_review.values import Json, Sensitive, Unknown

# Of longer texts only the length is shown.
LONGEST_SHOWN = 160


@dataclass(frozen=True)
class Difference:
    """One attribute whose value changes; `path` uses Terraform's dots."""

    path: str
    before: Json
    after: Json


def parse_json(value: Json) -> Json:
    """Return the value with JSON texts inside it parsed, at any depth.

    In policies a single value becomes a list of one.
    """
    if is_policy(value):
        return _policy(value)
    if isinstance(value, dict):
        return {name: parse_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [parse_json(inner) for inner in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return parse_json(json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _policy(document: Mapping[str, Json]) -> Json:
    """Return a policy document with its statements in one form: lists instead of single values."""
    if _contains_marker(document):
        return dict(document)
    try:
        return {**document, "Statement": [_statement(one) for one in parse(document)]}
    except PolicyError:
        return dict(document)


def _statement(statement: Statement) -> Json:
    return {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Action": list(statement.actions),
        "NotAction": list(statement.not_actions),
        "Resource": list(statement.resources),
        "NotResource": list(statement.not_resources),
        "Principal": _principals(statement.principals),
        "NotPrincipal": _principals(statement.not_principals),
        "Condition": {
            operator: {key: list(values) for key, values in tests.items()}
            for operator, tests in statement.conditions.items()
        },
    }


def _principals(principals: Principals | None) -> Json:
    if principals is None:
        return None
    if isinstance(principals, str):
        return {"AWS": ["*"]}
    return {kind: list(names) for kind, names in principals.items()}


def _contains_marker(value: Json) -> bool:
    """Return whether a value contains an unknown or sensitive one."""
    if isinstance(value, Mapping):
        return any(map(_contains_marker, value.values()))
    if isinstance(value, list):
        return any(map(_contains_marker, value))
    return isinstance(value, Sensitive | Unknown)


def canonical(value: Json) -> str:
    """Return a text that is equal for values that differ only in order and in empty members."""
    if isinstance(value, dict):
        given = sorted(name for name, one in value.items() if not is_empty(one))
        return (
            "{" + ",".join(f"{json.dumps(name)}:{canonical(value[name])}" for name in given) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(sorted(canonical(one) for one in value)) + "]"
    if isinstance(value, Sensitive):
        return f"(sensitive {value.fingerprint})"
    if isinstance(value, Unknown):
        return str(value)
    return json.dumps(value)


def is_empty(value: Json) -> bool:
    """Return whether a value is null or an empty text, list or block; providers equate these."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def equivalent(before: Json, after: Json) -> bool:
    """Return whether two values have the same meaning."""
    if is_empty(before) and is_empty(after):
        return True
    return canonical(parse_json(before)) == canonical(parse_json(after))


def differences(before: Json, after: Json, path: str = "") -> Iterator[Difference]:
    """Yield the differences; of lists the removed and added elements, regardless of their index."""
    if equivalent(before, after):
        return
    old, new = parse_json(before), parse_json(after)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            inner = f"{path}.{name}" if path else name
            yield from differences(old.get(name), new.get(name), inner)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(old, new, path)
    else:
        yield Difference(path, old, new)


def _of_lists(old: list[Json], new: list[Json], path: str) -> Iterator[Difference]:
    removed, added = unmatched(old, new)
    blocks = all(len(one) == 1 and isinstance(one[0], dict) for one in (removed, added))
    if blocks:
        where = path if len(old) == len(new) == 1 else f"{path}[]"
        yield from differences(removed[0], added[0], where)
    else:
        yield Difference(path, removed, added)


def unmatched(old: list[Json], new: list[Json]) -> tuple[list[Json], list[Json]]:
    """Return the elements that only the first list contains, and those only in the second."""
    before, after = Counter(map(canonical, old)), Counter(map(canonical, new))
    return _select(old, before - after), _select(new, after - before)


def _select(elements: list[Json], counts: Counter[str]) -> list[Json]:
    selected = []
    for one in elements:
        text = canonical(one)
        if counts[text] > 0:
            counts[text] -= 1
            selected.append(one)
    return selected


def contains_secret(value: Json) -> bool:
    """Return whether a value contains a sensitive one."""
    if isinstance(value, dict):
        return any(map(contains_secret, value.values()))
    if isinstance(value, list):
        return any(map(contains_secret, value))
    return isinstance(value, Sensitive) and value.secret


def format_difference(path: str, before: Json, after: Json) -> str:
    """Format a difference on one line, `path: before → after`."""
    if isinstance(before, Sensitive) and isinstance(after, Sensitive):
        return f"{path}: {after}, changed"
    return f"{path}: {format_value(before)} → {format_value(after)}"


def format_value(value: Json) -> str:
    """Format a value on one line."""
    if is_empty(value):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sensitive | Unknown):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
    if len(text) > LONGEST_SHOWN or "\n" in text:
        return f"({len(text):,} characters)"
    return text


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if not is_empty(inner)}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Sensitive | Unknown) else value
