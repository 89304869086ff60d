"""Compares values of a plan by what they mean: order and form of writing do not count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tools.plan_review.masking import UNKNOWN, Json, Sensitive, Unknown

# Longer texts are told by their length; nobody reads them in a table.
LONGEST_SHOWN = 160


@dataclass(frozen=True)
class Difference:
    """One attribute that is not what it was; ``path`` in Terraform's dots."""

    path: str
    before: Json
    after: Json


_LISTS = ("Action", "NotAction", "Resource", "NotResource")


def is_policy(value: Json) -> bool:
    """Is a value, its JSON opened, a policy document?"""
    return isinstance(value, dict) and "Statement" in value


def opened(value: Json) -> Json:
    """The value with JSON inside strings made into what it says, however deep.

    In policies a single value becomes the list of one that it means.
    """
    if is_policy(value):
        statements = [_statement(one) for one in _list(value["Statement"])]
        return value | {"Statement": statements}
    if isinstance(value, dict):
        return {name: opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [opened(inner) for inner in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return opened(json.loads(value))
        except ValueError:
            return value
    return value


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _texts(value: Json) -> list[Json]:
    return [str(one).lower() if isinstance(one, bool) else one for one in _list(value)]


def _statement(statement: Json) -> Json:
    if not isinstance(statement, dict):
        return statement
    formed = dict(statement)
    for name in _LISTS:
        if name in formed:
            formed[name] = _list(formed[name])
    for name in ("Principal", "NotPrincipal"):
        if name in formed:
            given = formed[name]
            kinds = given if isinstance(given, dict) else {"AWS": given}
            formed[name] = {kind: _list(names) for kind, names in kinds.items()}
    if isinstance(formed.get("Condition"), dict):
        formed["Condition"] = {
            operator: {key: _texts(values) for key, values in tests.items()}
            if isinstance(tests, dict)
            else tests
            for operator, tests in formed["Condition"].items()
        }
    return formed


def canonical(value: Json) -> str:
    """A text that is the same for values that differ in order and in empty members only."""
    if isinstance(value, dict):
        given = sorted(name for name, one in value.items() if not empty(one))
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


def empty(value: Json) -> bool:
    """Is a value null, or an empty text, list or block? To a provider these are one."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def same(before: Json, after: Json) -> bool:
    """Do two values mean the same?"""
    if empty(before) and empty(after):
        return True
    return canonical(opened(before)) == canonical(opened(after))


def differences(before: Json, after: Json, path: str = "") -> Iterator[Difference]:
    """Yield what differs. Of lists, the elements that came and went, whatever their places."""
    if same(before, after):
        return
    old, new = opened(before), opened(after)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            inner = f"{path}.{name}" if path else name
            yield from differences(old.get(name), new.get(name), inner)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(old, new, path)
    else:
        yield Difference(path, old, new)


def _of_lists(old: list[Json], new: list[Json], path: str) -> Iterator[Difference]:
    gone, came = unmatched(old, new)
    if len(gone) == len(came) == 1 and isinstance(gone[0], dict) and isinstance(came[0], dict):
        where = path if len(old) == len(new) == 1 else f"{path}[]"
        yield from differences(gone[0], came[0], where)
    else:
        yield Difference(path, gone, came)


def unmatched(old: list[Json], new: list[Json]) -> tuple[list[Json], list[Json]]:
    """The elements that only the one list has, and those that only the other has."""
    had, has = Counter(map(canonical, old)), Counter(map(canonical, new))
    return _left(old, had - has), _left(new, has - had)


def _left(elements: list[Json], counts: Counter[str]) -> list[Json]:
    left = []
    for one in elements:
        text = canonical(one)
        if counts[text] > 0:
            counts[text] -= 1
            left.append(one)
    return left


def holds_secret(value: Json) -> bool:
    """Is there anything sensitive inside a value?"""
    if isinstance(value, dict):
        return any(map(holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(holds_secret, value))
    return isinstance(value, Sensitive) and value.secret


def arrow(path: str, before: Json, after: Json) -> str:
    """A difference on one line, `path: before → after`."""
    if isinstance(before, Sensitive) and isinstance(after, Sensitive):
        return f"{path}: {after}, another value"
    return f"{path}: {shown(before)} → {shown(after)}"


def shown(value: Json) -> str:
    """A value as a person reads it on one line."""
    if empty(value):
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
        return {name: _plain(inner) for name, inner in value.items() if not empty(inner)}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if value is UNKNOWN or isinstance(value, Sensitive) else value
