"""Evaluates the part of CloudWatch Logs filter patterns for JSON that the CIS table uses.

Grammar: `{ ... }` around comparisons `$.a.b = x`, `!=` and `NOT EXISTS`, joined by `&&`, `||` and
parentheses; `*` matches any text. A comparison with a field that the event lacks is an error, so
that no test depends on how AWS evaluates it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"\s*(\(|\)|\{|\}|&&|\|\||!=|=|NOT\s+EXISTS|\$(?:\.\w+)+|\"[^\"]*\"|[\w.*-]+)")
MISSING = object()


def matches(pattern: str, event: Mapping[str, Any]) -> bool:
    """Return whether the event matches; raises `ValueError` for other patterns."""
    tokens, position = [], 0
    text = pattern.strip()
    while position < len(text):
        found = TOKEN.match(text, position)
        if not found:
            raise ValueError(f"at {text[position:]!r}")
        tokens.append(re.sub(r"\s+", " ", found[1]))
        position = found.end()
    parser = _Parser(tokens, event)
    parser.take("{")
    result = parser.either()
    parser.take("}")
    if parser.tokens:
        raise ValueError(f"unexpected text at the end: {parser.tokens}")
    return result


def field(event: Mapping[str, Any], path: str) -> Any:
    """The value at `$.a.b`, or `MISSING`."""
    value: Any = event
    for name in path.split(".")[1:]:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


class _Parser:
    def __init__(self, tokens: list[str], event: Mapping[str, Any]) -> None:
        self.tokens, self.event = tokens, event

    def take(self, expected: str = "") -> str:
        if not self.tokens or (expected and self.tokens[0] != expected):
            raise ValueError(f"expected {expected!r} at {self.tokens}")
        return self.tokens.pop(0)

    def either(self) -> bool:
        result = self.both()
        while self.tokens[:1] == ["||"]:
            self.take()
            result = self.both() or result
        return result

    def both(self) -> bool:
        result = self.one()
        while self.tokens[:1] == ["&&"]:
            self.take()
            result = self.one() and result
        return result

    def one(self) -> bool:
        if self.tokens[:1] == ["("]:
            self.take()
            result = self.either()
            self.take(")")
            return result
        path, operator = self.take(), self.take()
        if not path.startswith("$."):
            raise ValueError(f"expected a field, found {path!r}")
        value = field(self.event, path)
        if operator == "NOT EXISTS":
            return value is MISSING
        wanted = self.take()
        if operator not in ("=", "!=") or wanted in ("(", ")", "{", "}", "&&", "||"):
            raise ValueError(f"expected a comparison, found {operator!r} {wanted!r}")
        if value is MISSING:
            raise ValueError(f"the event has no {path}")
        wanted = ".*".join(re.escape(part) for part in wanted.strip('"').split("*"))
        equal = re.fullmatch(wanted, str(value)) is not None
        return equal if operator == "=" else not equal
