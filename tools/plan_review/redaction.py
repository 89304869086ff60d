"""Removes sensitive values from a plan before anything else reads it.

A value is sensitive if Terraform marks it, if its attribute has the name of a secret, or if it has
the form of a secret. A value that is sensitive in one place of the plan is redacted in all places,
and the finished report is redacted again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from tools.plan_review.values import Json, Sensitive

# Shorter secrets are redacted only where they are marked: elsewhere they match ordinary text.
MIN_SECRET_LENGTH = 6

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret_(string|binary|access_key)|client_secret|private_key"
    r"|(api|auth|access|account|encryption)_?key|token$|credential|connection_string|_wo$"
    r"|(^|_)secret$",
    re.IGNORECASE,
)
# Scripts may contain anything. The provider stores a hash, which reveals a short secret as well.
_NOT_SHOWN = ("user_data", "user_data_base64")
# Attributes that describe a secret without containing it.
_METADATA_NAME = re.compile(
    r"_(arn|arns|id|ids|name|version|length|status|type|days)$", re.IGNORECASE
)
_SECRET_FORM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}|://[^/\s:@]+:[^/\s@]+@"
)


def is_secret_name(name: str) -> bool:
    """Return whether an attribute or variable of this name is treated as a secret."""
    return bool(_SECRET_NAME.search(name)) and not _METADATA_NAME.search(name)


def _is_reference(value: str) -> bool:
    return value.startswith(("arn:", "${"))


def _is_marked(mark: Json) -> bool:
    # Any value that is neither empty nor False counts, so that an unknown form hides the value.
    if isinstance(mark, Mapping):
        return any(_is_marked(inner) for inner in mark.values())
    if isinstance(mark, list):
        return any(_is_marked(inner) for inner in mark)
    return bool(mark)


def _inner_mark(mark: Json, step: str | int) -> Json:
    if isinstance(mark, Mapping):
        return mark.get(str(step))
    if isinstance(mark, list):
        return mark[step] if isinstance(step, int) and step < len(mark) else None
    return mark


def sensitive_texts(value: Json, mark: Json, name: str = "") -> Iterator[str]:
    """Yield the texts in a value that are sensitive by Terraform's mark or by their name."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        named = isinstance(value, str) and is_secret_name(name)
        if _is_marked(mark) or (named and not _is_reference(str(value))):
            yield str(value)
            yield from _parts(str(value))
        return
    for step, inner in _items(value):
        inner_name = step if isinstance(step, str) else name
        yield from sensitive_texts(inner, _inner_mark(mark, step), inner_name)


def _items(value: Json) -> Iterator[tuple[str | int, Json]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _parts(text: str) -> Iterator[str]:
    """Yield the secrets inside a secret: the lines of a key, the password in a JSON document."""
    if "\n" in text:
        yield from text.splitlines()
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from sensitive_texts(document, None)


class Redactor:
    """Replaces known sensitive texts in values and in the finished report."""

    def __init__(self, texts: Iterable[str]) -> None:
        kept = {text.strip() for text in texts}
        kept = {text for text in kept if len(text) >= MIN_SECRET_LENGTH}
        forms: set[str] = set()
        for text in kept:
            escaped = json.dumps(text)[1:-1]
            plain = json.dumps(text, ensure_ascii=False)[1:-1]
            encoded = base64.b64encode(text.encode(errors="replace")).decode()
            one_line = " ".join(text.split())
            quoted = quote(text, safe="", errors="replace")
            forms |= {text, one_line, escaped, plain, encoded, quoted}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return the text with every sensitive part replaced by `(sensitive)`."""
        return self._pattern.sub("(sensitive)", text) if self._pattern else text

    def matches(self, text: str) -> bool:
        """Return whether a text contains a sensitive one."""
        return bool(self._pattern and self._pattern.search(text))

    def value(self, value: Json, mark: Json, name: str = "") -> Json:
        """Return the value with `Sensitive` in place of everything that must not be shown.

        `mark` is Terraform's `before_sensitive`, `after_sensitive` or `sensitive_values`; `name` is
        the name of the attribute.
        """
        if value is None or isinstance(value, bool):
            return Sensitive.of(value) if mark is True and value is not None else value
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.value(inner, _inner_mark(mark, key), str(key))
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.value(inner, _inner_mark(mark, n), name) for n, inner in enumerate(value)]
        if _is_marked(mark):
            return Sensitive.of(value)
        if isinstance(value, str):
            if value and name in _NOT_SHOWN:
                return Sensitive.of(value, secret=False)
            if value and is_secret_name(name) and not _is_reference(value):
                return Sensitive.of(value)
            if _SECRET_FORM.search(value) or self.matches(value):
                return self._document_or_sensitive(value)
        return value

    def _document_or_sensitive(self, value: str) -> Json:
        """Redact part of a policy document, whose other lines matter, and all of other texts."""
        if value.startswith("{") and not _SECRET_FORM.search(value):
            return self.text(value)
        return Sensitive.of(value)
