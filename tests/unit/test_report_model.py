"""Values and errors that all formats share."""

import json

import pytest

from report_model import (
    MAX_DURATION_SECONDS,
    Limits,
    ReportError,
    format_value,
    parse_duration,
    parse_outcome,
    truncate_message,
    validate_duration,
    validate_name,
)

LIMITS = Limits(max_name_chars=20, max_message_chars=10)


def test_default_limits_are_documented_values() -> None:
    assert Limits() == Limits(
        max_object_bytes=536_870_912,
        max_uncompressed_bytes=2_147_483_648,
        max_record_bytes=1_048_576,
        max_cases=2_000_000,
        max_name_chars=2_000,
        max_message_chars=4_000,
        max_depth=100,
    )


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("passed", "passed"),
        ("PASS", "passed"),
        (" Success ", "passed"),
        ("failed", "failed"),
        ("Failure", "failed"),
        ("error", "error"),
        ("broken", "error"),
        ("skipped", "skipped"),
        ("pending", "skipped"),
    ],
)
def test_outcome_synonyms_are_parsed(word: str, outcome: str) -> None:
    assert parse_outcome(word) == outcome


def test_unknown_outcome_is_rejected_with_accepted_values() -> None:
    with pytest.raises(ReportError) as caught:
        parse_outcome("maybe")
    assert str(caught.value).startswith("outcome: is not an outcome (received 'maybe'); accepted: ")
    assert "passed" in caught.value.accepted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0.012", 0.012),
        (".5", 0.5),
        ("3.", 3.0),
        (" 7 ", 7.0),
        ("1e-3", 0.001),
        ("2.5E+02", 250.0),
        ("1,234", 1234.0),
        ("1,234.5", 1234.5),
        (" 12,345,678.25 ", 12345678.25),
    ],
)
def test_durations_are_parsed(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_blank_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "-1",
        "nan",
        "inf",
        "1e999",
        "1_000",
        "1,5",
        "0,012",
        "12,34",
        "1,234,5",
        "1 234",
        "٣",
        "0x10",
        "1.2.3",
        "1s",
        "--1",
    ],
)
def test_invalid_duration_is_rejected(text: str) -> None:
    with pytest.raises(ReportError, match="is not a duration in seconds"):
        parse_duration(text)


def test_duration_error_contains_the_field() -> None:
    with pytest.raises(ReportError) as caught:
        parse_duration("soon", "testcase time")
    assert caught.value.field == "testcase time"


def test_maximum_duration_is_one_year() -> None:
    assert MAX_DURATION_SECONDS == 31_622_400
    assert validate_duration(MAX_DURATION_SECONDS) == MAX_DURATION_SECONDS
    with pytest.raises(ReportError):
        validate_duration(MAX_DURATION_SECONDS + 1)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.001, 10**400])
def test_duration_out_of_range_is_rejected(number: float) -> None:
    with pytest.raises(ReportError):
        validate_duration(number)


def test_validate_duration_returns_a_float() -> None:
    assert isinstance(validate_duration(3), float)


def test_valid_name_is_unchanged() -> None:
    assert validate_name(" a: ü ", "name", LIMITS) == " a: ü "


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_blank_required_name_is_rejected(text: str) -> None:
    with pytest.raises(ReportError, match="name: is missing or blank"):
        validate_name(text, "name", LIMITS)


def test_blank_optional_name_is_accepted() -> None:
    assert validate_name("", "classname", LIMITS, required=False) == ""


def test_name_over_the_limit_is_rejected() -> None:
    assert validate_name("x" * 20, "name", LIMITS) == "x" * 20
    with pytest.raises(ReportError, match=r"is 21 characters long .*accepted: up to 20 characters"):
        validate_name("x" * 21, "name", LIMITS)


@pytest.mark.parametrize("text", ["a\0b", "half \ud800", "other half \udfff"])
def test_name_that_cannot_be_stored_is_rejected(text: str) -> None:
    with pytest.raises(ReportError, match="NUL or an unpaired surrogate"):
        validate_name(text, "name", LIMITS)


def test_message_up_to_the_limit_is_unchanged() -> None:
    assert truncate_message("0123456789", LIMITS) == "0123456789"


def test_message_over_the_limit_is_truncated_with_an_ellipsis() -> None:
    assert truncate_message("0123456789a", LIMITS) == "012345678…"


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "a�b"), ("\udc80é", "�é")])
def test_characters_of_a_message_that_cannot_be_stored_are_replaced(text: str, kept: str) -> None:
    assert truncate_message(text, LIMITS) == kept


def test_error_contains_location_value_and_accepted_values() -> None:
    error = ReportError("is not even", field="time", value="x\n", accepted="even numbers").locate(
        format_="csv", line=7
    )
    assert str(error) == r"csv, line 7, time: is not even (received 'x\n'); accepted: even numbers"


def test_error_omits_unknown_parts() -> None:
    assert str(ReportError("the report is empty")) == "the report is empty"


def test_location_of_an_error_is_not_overwritten() -> None:
    error = (
        ReportError("is not even")
        .locate(format_="csv", line=7)
        .locate(format_="json-lines", line=8)
    )
    assert (error.format, error.line) == ("csv", 7)


def test_error_detail_contains_known_parts_only() -> None:
    error = ReportError("is not even", field="time", value="x", accepted="even numbers").locate(
        format_="csv", line=7
    )
    assert error.detail() == {
        "problem": "is not even",
        "format": "csv",
        "line": 7,
        "field": "time",
        "received": "'x'",
        "accepted": "even numbers",
    }
    assert ReportError("is not even").detail() == {"problem": "is not even"}


@pytest.mark.parametrize(
    "value", ["x" * 1_000_000, b"x" * 1_000_000, ["x" * 1_000], "\0" * 500, {"k": list(range(999))}]
)
def test_formatted_value_is_truncated(value: object) -> None:
    text = format_value(value)
    assert len(text) <= 81
    assert text.endswith("…")


def test_formatted_value_is_one_line_and_can_be_encoded() -> None:
    text = format_value("a\r\nlevel=ERROR\ud800")
    assert "\n" not in text
    assert json.loads(json.dumps(text)).encode() == text.encode()


def test_short_formatted_value_is_complete() -> None:
    assert format_value("x" * 80) == repr("x" * 80)
