"""Log lines of the function."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from data_processor import create_logger
from tests.support.function_log import reset_logger


@pytest.fixture(autouse=True)
def _reset_logger() -> None:
    reset_logger()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_line_contains_fields_of_logger_invocation_and_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = create_logger("INFO", "dev")
    logger.append_keys(request_id="r-1")
    logger.info("report processed", cases=3, version_id=None)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "message": "report processed",
        "service": "data-processor",
        "environment": "dev",
        "request_id": "r-1",
        "cases": 3,
    }


def test_request_id_is_replaced_in_the_next_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    logger = create_logger("INFO", "dev")
    for request_id in ("r-1", None):
        logger.append_keys(request_id=request_id)
        logger.info("report processed")
    assert [line.get("request_id") for line in lines(capsys)] == ["r-1", None]


def test_lines_below_the_level_are_omitted(capsys: pytest.CaptureFixture[str]) -> None:
    logger = create_logger("WARNING", "dev")
    logger.info("omitted")
    logger.warning("written")
    assert [(line["level"], line["message"]) for line in lines(capsys)] == [("WARNING", "written")]


def test_line_of_an_exception_contains_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logger = create_logger("INFO", "dev")
    try:
        raise OSError("connection reset")
    except OSError:
        logger.exception("failed", key="incoming/a")
    (line,) = lines(capsys)
    assert (line["level"], line["key"], line["exception_name"]) == (
        "ERROR",
        "incoming/a",
        "OSError",
    )
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("OSError: connection reset")
    assert {"stack_trace", "location"}.isdisjoint(line)


def test_values_cannot_inject_lines(capsys: pytest.CaptureFixture[str]) -> None:
    key = 'a\r\n{"level": "ERROR"}\u2028\ud800%s'
    create_logger("INFO", "dev").info("report processed", key=key)
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert output.isascii()
    assert json.loads(output)["key"] == key


def test_values_without_json_representation_are_converted_to_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    create_logger("INFO", "dev").info("report processed", value={1}, raw=b"x")
    (line,) = lines(capsys)
    assert (line["value"], line["raw"]) == ("{1}", "b'x'")


def test_logger_that_is_created_again_writes_each_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    create_logger("INFO", "dev")
    create_logger("INFO", "dev").info("report processed")
    assert len(lines(capsys)) == 1


def test_handler_of_the_root_logger_receives_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda adds a handler to the root logger before it imports the function."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", records.append)
    logging.root.addHandler(handler)
    try:
        create_logger("INFO", "dev").info("report processed")
        logging.getLogger("another").warning("other message")
    finally:
        logging.root.removeHandler(handler)
    assert [record.getMessage() for record in records] == ["other message"]
