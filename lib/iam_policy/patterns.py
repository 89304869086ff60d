"""Wildcards of IAM policies: which strings a pattern matches, and which other patterns it covers.

`*` matches any number of characters and `?` exactly one; no other character is special. `${*}`,
`${?}` and `${$}` are the characters themselves. Any other `${...}`, a policy variable or a
reference of Terraform, is one unit of unknown value and length: it equals only itself.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

# A token is a single character, a whole `${...}`, or one of these two wildcards.
STAR, ONE = "<*>", "<?>"
Tokens = tuple[str, ...]
_TOKEN = re.compile(r"\$?\$\{[^{}]*\}|.", re.DOTALL)
_ESCAPED = {"${*}": "*", "${?}": "?", "${$}": "$"}
# A character that no pattern contains: it stands for any character without a meaning of its own.
_OTHER = "<other>"


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a pattern matches a text, whose `*` and `?` are ordinary characters."""
    return match_tokens(
        tokenize(pattern, ignore_case=ignore_case), _literal(text, ignore_case=ignore_case)
    )


def covers(pattern: str, other: str, *, ignore_case: bool = False) -> bool:
    """Whether every string that the pattern `other` matches is matched by `pattern` too."""
    if pattern == other:
        return True
    return _covers(
        tokenize(pattern, ignore_case=ignore_case), tokenize(other, ignore_case=ignore_case)
    )


def overlaps(pattern: str, other: str, *, ignore_case: bool = False) -> bool:
    """Whether some string is matched by both patterns; a `${...}` may equal any string."""
    left = tokenize(pattern, ignore_case=ignore_case)
    right = tokenize(other, ignore_case=ignore_case)
    # The values of variables are unknown, so each may be any string.
    return _overlap(
        tuple(STAR if _is_variable(one) else one for one in left),
        tuple(STAR if _is_variable(one) else one for one in right),
    )


def any_matches(patterns: Iterable[str], text: str, *, ignore_case: bool = False) -> bool:
    """Whether one of the patterns matches a text."""
    return any(matches(pattern, text, ignore_case=ignore_case) for pattern in patterns)


def any_covers(patterns: Iterable[str], other: str, *, ignore_case: bool = False) -> bool:
    """Whether one of the patterns covers a pattern."""
    return any(covers(pattern, other, ignore_case=ignore_case) for pattern in patterns)


def action_matches(pattern: str, action: str) -> bool:
    """Whether an action pattern matches an action; names of actions are case-insensitive."""
    return matches(pattern, action, ignore_case=True)


def action_covers(pattern: str, other: str) -> bool:
    """Whether an action pattern covers another one; `*:*` is the same as `*`."""
    return covers(pattern, "*:*" if other == "*" else other, ignore_case=True)


@lru_cache(maxsize=4096)
def tokenize(pattern: str, *, ignore_case: bool = False) -> Tokens:
    """The tokens of a pattern."""
    wildcards = {"*": STAR, "?": ONE}
    found = []
    for token in _TOKEN.findall(pattern):
        if token in wildcards:
            found.append(wildcards[token])
        else:
            token = _ESCAPED.get(token, token)
            found.append(token.lower() if ignore_case else token)
    return tuple(found)


def substitute(tokens: Tokens, value: Callable[[str], str | None]) -> Tokens | None:
    """The tokens with variables replaced by their values, whose characters are not wildcards.

    `value` returns the value of a variable by its name, or None where the request has none; then
    the default in `${name, 'default'}` is used. None if a variable has neither.
    """
    found: list[str] = []
    for token in tokens:
        if not _is_variable(token):
            found.append(token)
            continue
        name, _, default = token.removeprefix("$").strip("${}").partition(",")
        replacement = value(name.strip())
        if replacement is None and default.strip():
            replacement = default.strip().strip("'")
        if replacement is None:
            return None
        found.extend(replacement)
    return tuple(found)


def match_tokens(pattern: Tokens, text: Tokens) -> bool:
    """Whether a tokenized pattern matches a text given as its characters."""
    states = _closure(pattern, 1)
    for token in text:
        states = _step(pattern, states, token)
        if not states:
            return False
    return bool(states >> len(pattern) & 1)


def _literal(text: str, *, ignore_case: bool) -> Tokens:
    # A reference in the text is a unit, as it is in the pattern.
    found = (_ESCAPED.get(token, token) for token in _TOKEN.findall(text))
    return tuple(one.lower() if ignore_case else one for one in found)


def _is_variable(token: str) -> bool:
    return len(token) > 1 and token.startswith("$")


# The states of matching are the positions in the pattern that can be reached, as bits of a number.


def _closure(pattern: Tokens, states: int) -> int:
    """The states with those added that a `*` which matches nothing reaches."""
    for position, token in enumerate(pattern):
        if token == STAR and states >> position & 1:
            states |= 1 << position + 1
    return states


def _step(pattern: Tokens, states: int, token: str) -> int:
    """The states after one more token of the text."""
    reached = 0
    for position, expected in enumerate(pattern):
        if states >> position & 1:
            if expected == STAR:
                reached |= 1 << position
            elif expected == token or (expected == ONE and not _is_variable(token)):
                reached |= 1 << position + 1
    return _closure(pattern, reached)


@lru_cache(maxsize=4096)
def _covers(pattern: Tokens, other: Tokens) -> bool:
    """Whether a pattern accepts every string of another one.

    A wildcard of `other` can be filled with a character that `pattern` does not contain; if
    `pattern` accepts that, it accepts any other character in its place. So it is enough to follow
    each `*` of `other` for every number of such characters, until the states repeat.
    """
    reached = {_closure(pattern, 1)}
    for token in other:
        if token == STAR:
            following = reached
            while following:
                following = {_step(pattern, one, _OTHER) for one in following} - reached
                reached = reached | following
        else:
            symbol = _OTHER if token == ONE else token
            reached = {_step(pattern, one, symbol) for one in reached}
        # If the fewer states accept, so do the more.
        reached = {one for one in reached if not any(o != one and o & one == o for o in reached)}
    return all(states >> len(pattern) & 1 for states in reached)


@lru_cache(maxsize=4096)
def _overlap(left: Tokens, right: Tokens) -> bool:
    """Whether a string is accepted by both patterns, by their suffixes from the shortest on."""
    # `shared[n]` says so for the suffix of `left` under consideration and `right[n:]`.
    shared = [all(one == STAR for one in right[n:]) for n in range(len(right) + 1)]
    for token in reversed(left):
        shorter, shared = shared, [False] * (len(right) + 1)
        shared[-1] = token == STAR and shorter[-1]
        for n in reversed(range(len(right))):
            if STAR in (token, right[n]):
                shared[n] = shorter[n] or shared[n + 1]
            else:
                same = token == right[n] or ONE in (token, right[n])
                shared[n] = same and shorter[n + 1]
    return shared[0]
