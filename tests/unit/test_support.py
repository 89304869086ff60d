"""Tests of the functions in `tests/support`: a wrong one would accept wrong patterns."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.settings import Settings
from tests.support import event_pattern, filter_pattern, json_patch, synthesis

EVENT = {"a": "one", "b": {"c": "two", "n": 5}, "list": [{"x": 1, "y": "p"}, {"x": 2, "y": "q"}]}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.a = one }", True),
        ("{ $.a = on }", False),
        ("{ $.a = on* }", True),
        ('{ $.b.c = "*wo" }', True),
        ('{ $.b.c != "*wo" }', False),
        ("{ $.d NOT EXISTS }", True),
        ("{ ($.b.c NOT EXISTS) }", False),
        ("{ $.a = x || $.a = y || $.a = one }", True),
        # "and" binds closer than "or"
        ("{ $.a = one || $.a = x && $.a = y }", True),
        ("{ ($.a = one || $.a = x) && $.a = y }", False),
    ],
)
def test_filter_pattern_matches(pattern: str, expected: bool) -> None:
    assert filter_pattern.matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("$.a = one", "expected '{'"),
        ("{ $.a = one", "expected '}'"),
        ("{ ($.a = one }", "expected '\\)'"),
        ("{ $.a = one } }", "unexpected text at the end"),
        ("{ $.a one two }", "expected a comparison"),
        ("{ $.a = ) }", "expected a comparison"),
        ("{ a = one }", "expected a field"),
        ("{ $.a ~ one }", "at ' ~ one }'"),
        ("{ $.missing = one }", "no \\$.missing"),
    ],
)
def test_invalid_filter_pattern_is_an_error(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        filter_pattern.matches(pattern, EVENT)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"a": ["one", "two"]}, True),
        ({"a": ["two"]}, False),
        ({"a": ["one"], "missing": ["x"]}, False),
        ({"missing": {"x": ["y"]}}, False),
        ({"b": {"n": [{"numeric": [">=", 5]}]}}, True),
        ({"b": {"n": [{"numeric": [">", 3, "<", 5]}]}}, False),
        ({"b": {"c": [{"numeric": [">", 3]}]}}, False),
        # all tests on one object of the array
        ({"list": {"x": [1], "y": ["p"]}}, True),
        ({"list": {"x": [1], "y": ["q"]}}, False),
    ],
)
def test_event_pattern_matches(pattern: dict[str, Any], expected: bool) -> None:
    assert event_pattern.matches(pattern, EVENT) is expected


def test_input_template_is_filled_from_the_event() -> None:
    paths = {"first": "$.list[0].y", "number": "$.b.n"}
    assert event_pattern.transform(paths, '"<first> and <number>"', EVENT) == "p and 5"


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        ({"first": "$.list[0].y"}, "used \\['first', 'number'\\]"),
        ({"first": "$.list[9].y", "number": "$.b.n"}, "is missing in the event"),
        ({"first": "$.a", "number": "$.b.n", "third": "$.a"}, "declared .*third"),
    ],
)
def test_input_template_with_wrong_variables_is_an_error(paths: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        event_pattern.transform(paths, '"<first> and <number>"', EVENT)


def test_connections_to_other_hosts_are_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection,
        pytest.raises(AssertionError, match="tried to connect"),
    ):
        connection.connect(("192.0.2.1", 443))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "~1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "//", "~", "-", "0"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values, json_values)
def test_difference_turns_one_document_into_the_other(before: Any, after: Any) -> None:
    found = json_patch.apply(before, json_patch.difference(before, after))
    assert json.dumps(found, sort_keys=True) == json.dumps(after, sort_keys=True)


@given(json_values)
def test_equal_documents_have_no_difference(value: Any) -> None:
    assert json_patch.difference(value, value) == []


def test_difference_names_changed_values_by_path() -> None:
    before = {"a": {"//": 1, "kept": [1]}, "gone": 0, "list": [1, 2, 3], "grown": [1]}
    after = {"a": {"//": True, "kept": [1]}, "list": [1], "grown": [1, 2], "new": None}
    assert json_patch.difference(before, after) == [
        {"op": "replace", "path": "/a/~1~1", "value": True},
        {"op": "remove", "path": "/gone"},
        {"op": "add", "path": "/grown/-", "value": 2},
        {"op": "remove", "path": "/list/1"},
        {"op": "remove", "path": "/list/1"},
        {"op": "add", "path": "/new", "value": None},
    ]


def test_processes_of_a_session_synthesize_equal_settings_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[Path] = []

    def synthesized(settings: Settings, output: Path) -> dict[str, Any]:
        outputs.append(output)
        return {"//": {"metadata": {"stackName": settings.stacks[0]}}}

    monkeypatch.setattr(synthesis, "synthesized", synthesized)
    one, other = synthesis.Synthesizer(tmp_path), synthesis.Synthesizer(tmp_path)
    assert one("state").document == other("state").document
    assert len(outputs) == 1
    other("state", AWS_REGION="eu-central-1")
    other.environment("dev", "state")
    assert len({*outputs}) == 3


def test_unresolved_token_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def synthesize(settings: Settings, output: Path, **_: object) -> list[SimpleNamespace]:
        (output / "stacks" / "state").mkdir(parents=True)
        (output / "stacks" / "state" / "cdk.tf.json").write_text('{"name": "${TfToken[TOKEN.1]}"}')
        return [SimpleNamespace(stack="state")]

    monkeypatch.setattr(synthesis, "synthesize", synthesize)
    with pytest.raises(AssertionError, match="unresolved token"):
        synthesis.Synthesizer(tmp_path)("state")
