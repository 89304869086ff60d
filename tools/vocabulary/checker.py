"""Finds terms of the word list in text, in prose and in identifiers alike."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

LIST = Path(__file__).parent / "terms.toml"
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".cjs", ".sql"}
NAMES = {"Makefile", "run", "CODEOWNERS", ".editorconfig"}
# The boundaries of the words of an identifier: aB, ABc, a_b.
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term to avoid: its expression, the standard term, and the files it applies to."""

    expression: re.Pattern[str]
    replacement: str
    raw: bool
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Text that is not checked, with the files it applies to and the reason."""

    expression: re.Pattern[str]
    paths: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The word list: terms and exceptions."""

    terms: tuple[Term, ...]
    exceptions: tuple[Exemption, ...]


@dataclass(frozen=True, order=True)
class Occurrence:
    """Where a term occurs; `line` counts from 1, and is 0 for the name of the file."""

    path: str
    line: int
    word: str
    replacement: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else f"{self.path} (name of the file)"
        return f"{place}: received {self.word!r}; accepted: {self.replacement}."


def load_terms(path: Path = LIST) -> Terms:
    """The word list of a TOML file. Raises `ValueError` for a row that is not one of a list."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return Terms(
        terms=tuple(_term(row) for row in document.get("term", [])),
        exceptions=tuple(_exception(row) for row in document.get("exception", [])),
    )


def occurrences(path: str, text: str, words: Terms) -> Iterator[Occurrence]:
    """The terms of the list that a file contains, in its name (line 0) and in its text."""
    for line_offset, content in ((0, path), (1, text)):
        checked = content
        for exception in words.exceptions:
            if _applies(exception.paths, path):
                checked = exception.expression.sub(_blank, checked)
        normalized = _normalize(checked)
        for term in words.terms:
            if not _applies(term.paths, path):
                continue
            source = checked if term.raw else normalized
            for found in term.expression.finditer(source):
                line = (source.count("\n", 0, found.start()) + 1) * line_offset
                word = " ".join(found[0].split())
                yield Occurrence(path, line, word, term.replacement)


def is_checked(path: Path) -> bool:
    """Whether the check reads a file; the word list itself is not read."""
    return (path.suffix in SUFFIXES or path.name in NAMES) and path.name != LIST.name


def _term(row: dict[str, Any]) -> Term:
    raw = bool(row.get("raw", False))
    pattern = row["pattern"]
    if not raw:
        # A phrase may be hyphenated, or continue on the next line of a comment.
        pattern = r"\b(?:" + pattern.replace(" ", r"[\s#-]+") + r")\b"
    return Term(
        expression=re.compile(pattern),
        replacement=row["replacement"],
        raw=raw,
        paths=tuple(row.get("paths", ())),
    )


def _exception(row: dict[str, Any]) -> Exemption:
    if not row.get("reason"):
        raise ValueError(f"exception {row.get('pattern')!r}: received no reason")
    return Exemption(
        expression=re.compile(row["pattern"]),
        paths=tuple(row.get("paths", ())),
        reason=row["reason"],
    )


def _normalize(text: str) -> str:
    """Lower case, with the words of identifiers apart; the lines stay the same."""
    return _BOUNDARY.sub(" ", text).replace("_", " ").lower()


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _applies(paths: Sequence[str], path: str) -> bool:
    return not paths or any(fnmatchcase(path, pattern) for pattern in paths)
