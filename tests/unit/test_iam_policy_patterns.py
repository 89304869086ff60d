"""Wildcards of IAM policies: matching, covering and overlapping."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.iam_policy import (
    action_covers,
    action_matches,
    any_covers,
    any_matches,
    covers,
    matches,
    overlaps,
)

REFERENCE = "${aws_s3_bucket.Data.arn}"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("?", "", False),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get?", "s3:GetObject", False),
        ("s3:get*", "s3:GetObject", False),
        ("a[bc]", "ab", False),
        ("a[bc]", "a[bc]", True),
        ("a.c", "abc", False),
        ("a*b", "a\nb", True),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a${?}", "a?", True),
        ("a${$}b", "a$b", True),
        (f"{REFERENCE}/*", f"{REFERENCE}/key", True),
        (f"{REFERENCE}/*", "${aws_s3_bucket.Other.arn}/key", False),
        ("?" * len(REFERENCE), REFERENCE, False),
        ("*", REFERENCE, True),
    ],
)
def test_only_star_and_question_mark_are_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_names_of_actions_are_case_insensitive() -> None:
    assert action_matches("S3:get*", "s3:GetObject")
    assert not matches("S3:get*", "s3:GetObject")
    assert action_covers("s3:GET*", "S3:getobject*")


def test_every_action_is_covered_by_both_spellings_of_it() -> None:
    assert action_covers("*:*", "*")
    assert action_covers("*", "*:*")
    assert not action_covers("s3:*", "*")


@pytest.mark.parametrize(
    ("pattern", "other", "expected"),
    [
        ("*", "*", True),
        ("?*", "*?", True),
        ("*?", "?*", True),
        ("??*", "?*", False),
        ("a*b*", "a*b", True),
        ("a*b", "a*b*", False),
        ("s3:Get*", "s3:Get?", True),
        ("s3:Get?", "s3:Get*", False),
        ("s3:Get*", "s3:GetObject*", True),
        ("*a*", "*aa*", True),
        ("*aa*", "*a*", False),
        ("*", REFERENCE, True),
        (f"{REFERENCE}/*", f"{REFERENCE}/in/*", True),
        (f"{REFERENCE}*", f"{REFERENCE}/*", True),
        ("arn:*", REFERENCE, False),
        ("?", "${?}", True),
        ("${?}", "?", False),
    ],
)
def test_covering(pattern: str, other: str, expected: bool) -> None:
    assert covers(pattern, other) is expected


def test_long_patterns_are_compared_in_time() -> None:
    pattern = "*a" * 20
    assert covers("*" + pattern, pattern)
    assert not covers(pattern, "*b" * 20)
    assert overlaps(pattern + "*", "*b" * 200)


def test_one_of_several_patterns_is_enough() -> None:
    assert any_matches(["a*", "b*"], "bc")
    assert any_covers(["a*", "b*"], "b?")
    assert not any_covers([], "b")


alphabet = "ab"
patterns = st.text(st.sampled_from("ab*?"), max_size=6)
texts = st.text(st.sampled_from(alphabet), max_size=6)
# `c` occurs in no pattern, so it stands for every other character.
LONGEST = 6
ALL_TEXTS = ["".join(one) for n in range(LONGEST + 1) for one in itertools.product("abc", repeat=n)]


def language(pattern: str) -> set[str]:
    """All texts up to LONGEST that a pattern matches, by a regular expression."""
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return {text for text in ALL_TEXTS if re.fullmatch(expression, text, re.DOTALL)}


short = st.text(st.sampled_from("ab*?"), max_size=4)


@given(patterns, texts)
def test_matching_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    assert matches(pattern, text) is (text in language(pattern))


@given(short, short)
def test_a_pattern_covers_another_exactly_if_it_matches_all_its_texts(
    pattern: str, other: str
) -> None:
    # Patterns of 4 characters that differ do so in a text of at most 6.
    assert covers(pattern, other) is (language(other) <= language(pattern))


@given(short, short)
def test_patterns_overlap_exactly_if_they_share_a_text(pattern: str, other: str) -> None:
    together = language(pattern) & language(other)
    if together:
        assert overlaps(pattern, other)
    elif overlaps(pattern, other):
        # Their shortest common text may have as many characters as both patterns together.
        assert len(pattern.replace("*", "") + other.replace("*", "")) > LONGEST


@given(patterns, patterns, patterns)
def test_covering_is_reflexive_and_transitive(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    if covers(one, two) and covers(two, three):
        assert covers(one, three)


@given(patterns, patterns, texts)
def test_what_a_covered_pattern_matches_is_matched(pattern: str, other: str, text: str) -> None:
    if covers(pattern, other) and matches(other, text):
        assert matches(pattern, text)
        assert overlaps(pattern, other)


@given(st.text(max_size=20))
def test_an_escaped_text_matches_only_itself(text: str) -> None:
    escaped = "".join("${" + char + "}" if char in "*?$" else char for char in text)
    assert matches(escaped, text) or "${" in text
    assert covers("*", escaped)
