"""Translates the regular expressions of service models, which are those of Java, to Python.

AWS compares a pattern with the whole value. Java's ``\\w``, ``\\d`` and ``\\s`` match ASCII only.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata

# UTF-16 surrogate pairs stand for the code points above U+FFFF, which Python has as such.
_SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\ud800\udc00-\udbff\udfff")
_CATEGORY = re.compile(r"\\p\{(\w+)\}")
# Java accepts a hyphen after a class such as \w as a literal character; Python requires an escape.
_HYPHEN_AFTER_CLASS = re.compile(r"(\\[wdsWDS])-(?=[^\]])")
_NAMED_CATEGORIES = {
    "ASCII": r"\x00-\x7F",
    "Print": r"\x20-\x7E",
    "Graph": r"\x21-\x7E",
    "Alnum": "A-Za-z0-9",
    "Alpha": "A-Za-z",
}


@functools.cache
def _characters(category: str) -> str:
    """Return the ranges of a Unicode category (``L``, ``Zs``), for use between brackets."""
    if category in _NAMED_CATEGORIES:
        return _NAMED_CATEGORIES[category]
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(category):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def _is_in_brackets(pattern: str, position: int) -> bool:
    depth, index = 0, 0
    while index < position:
        if pattern[index] == "\\":
            index += 1
        elif pattern[index] == "[":
            depth += 1
        elif pattern[index] == "]" and depth:
            depth -= 1
        index += 1
    return depth > 0


def translate(pattern: str) -> str:
    """Return the Python form of a regular expression of a service model."""
    for pair in _SURROGATES:
        pattern = pattern.replace(pair, r"\U00010000-\U0010FFFF")
    pattern = _HYPHEN_AFTER_CLASS.sub(r"\1\-", pattern)

    def category(match: re.Match[str]) -> str:
        characters = _characters(match[1])
        return characters if _is_in_brackets(pattern, match.start()) else f"[{characters}]"

    return _CATEGORY.sub(category, pattern)


@functools.cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the compiled pattern; None for one that Python cannot express."""
    try:
        return re.compile(translate(pattern), re.ASCII)
    except re.error:
        return None


def matches(pattern: str, value: str) -> bool:
    """Return whether a pattern of a service model matches a whole value."""
    expression = compiled(pattern)
    return expression is None or expression.fullmatch(value) is not None
