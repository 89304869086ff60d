"""Keeps sensitive values out of everything that comes after the reading of a plan.

A value is sensitive where Terraform marks it, where its attribute is named like a secret, and where
it looks like one. What is marked once is covered wherever else it stands in the plan, and the
finished report is gone over again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

# What json.loads gives, with Sensitive and UNKNOWN among it once a plan was read.
Json: TypeAlias = Any

# Shorter ones are covered in their own place only: they would cover half of any text.
LEAST_COVERED = 6

_KEY = os.urandom(32)
_NAMED = re.compile(
    r"pass(word|wd|phrase)|secret_(string|binary|access_key)|client_secret|private_key"
    r"|(api|auth|access|account|encryption)_?key|token$|credential|connection_string|_wo$"
    r"|(^|_)secret$",
    re.IGNORECASE,
)
# Scripts may hold anything; the provider keeps a hash of them, which tells a short secret too.
_NOT_SHOWN = ("user_data", "user_data_base64")
# Names about a secret that do not hold it.
_ABOUT = re.compile(r"_(arn|arns|id|ids|name|version|length|status|type|days)$", re.IGNORECASE)
_LOOKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}|://[^/\s:@]+:[^/\s@]+@"
)


class Unknown:
    """What Terraform knows after the apply only."""

    def __str__(self) -> str:
        return "(known after apply)"

    __repr__ = __str__


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Sensitive:
    """A value that is not shown; equal to another one if the values were equal."""

    # Keyed anew in each process, so that it tells nothing outside it.
    fingerprint: str = field(repr=False)
    secret: bool = True

    @classmethod
    def of(cls, value: Json, *, secret: bool = True) -> Sensitive:
        text = json.dumps(value, sort_keys=True, default=str)
        return cls(hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest(), secret)

    def __str__(self) -> str:
        return "(sensitive)" if self.secret else "(not shown)"


def named_like_a_secret(name: str) -> bool:
    """Is an attribute or variable of this name taken for a secret?"""
    return bool(_NAMED.search(name)) and not _ABOUT.search(name)


def _is_reference(value: str) -> bool:
    return value.startswith(("arn:", "${"))


def _marked(mark: Json) -> bool:
    # Whatever is neither empty nor False counts: a form not known here must not uncover anything.
    if isinstance(mark, Mapping):
        return any(_marked(inner) for inner in mark.values())
    if isinstance(mark, list):
        return any(_marked(inner) for inner in mark)
    return bool(mark)


def _inner(mark: Json, step: str | int) -> Json:
    if isinstance(mark, Mapping):
        return mark.get(str(step))
    if isinstance(mark, list):
        return mark[step] if isinstance(step, int) and step < len(mark) else None
    return mark


def sensitive_texts(value: Json, mark: Json, name: str = "") -> Iterator[str]:
    """Yield the texts that are sensitive in a value, by Terraform's mark or by their name."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        named = isinstance(value, str) and named_like_a_secret(name)
        if _marked(mark) or (named and not _is_reference(str(value))):
            yield str(value)
            yield from _inside(str(value))
        return
    for step, inner in _steps(value):
        called = step if isinstance(step, str) else name
        yield from sensitive_texts(inner, _inner(mark, step), called)


def _steps(value: Json) -> Iterator[tuple[str | int, Json]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _inside(text: str) -> Iterator[str]:
    """What is secret inside a secret: the lines of a key, the password of a JSON document."""
    if "\n" in text:
        yield from text.splitlines()
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except ValueError:
            return
        yield from sensitive_texts(document, None)


class Cover:
    """Covers known sensitive texts, in values and in the finished report."""

    def __init__(self, texts: Iterable[str]) -> None:
        kept = {text.strip() for text in texts}
        kept = {text for text in kept if len(text) >= LEAST_COVERED}
        forms: set[str] = set()
        for text in kept:
            escaped = json.dumps(text)[1:-1]
            plain = json.dumps(text, ensure_ascii=False)[1:-1]
            encoded = base64.b64encode(text.encode()).decode()
            one_line = " ".join(text.split())
            forms |= {text, one_line, escaped, plain, encoded, quote(text, safe="")}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text with every sensitive one in it replaced."""
        return self._pattern.sub("(sensitive)", text) if self._pattern else text

    def hides(self, text: str) -> bool:
        """Does a text hold a sensitive one?"""
        return bool(self._pattern and self._pattern.search(text))


def mask(value: Json, mark: Json, cover: Cover, name: str = "") -> Json:
    """The value with `Sensitive` in the place of all that must not be shown."""
    if value is None or isinstance(value, bool):
        return Sensitive.of(value) if mark is True and value is not None else value
    if isinstance(value, Mapping):
        return {
            cover.text(str(key)): mask(inner, _inner(mark, key), cover, str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [mask(inner, _inner(mark, n), cover, name) for n, inner in enumerate(value)]
    if _marked(mark):
        return Sensitive.of(value)
    if isinstance(value, str):
        if value and name in _NOT_SHOWN:
            return Sensitive.of(value, secret=False)
        if value and named_like_a_secret(name) and not _is_reference(value):
            return Sensitive.of(value)
        if _LOOKS.search(value) or cover.hides(value):
            return _document_or_nothing(value, cover)
    return value


def _document_or_nothing(value: str, cover: Cover) -> Json:
    """A policy that names a secret is still worth its other lines; any other text is not shown."""
    if value.startswith("{") and not _LOOKS.search(value):
        return cover.text(value)
    return Sensitive.of(value)
