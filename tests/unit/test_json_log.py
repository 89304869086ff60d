"""The function's log."""

import json
import logging
from typing import Any

import pytest

from json_log import open_log


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_line_holds_fixed_bound_and_own_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log("INFO", environment="dev").bound(request_id="r-1")
    log.info("report processed", cases=3)
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


def test_binding_leaves_the_first_log_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log("INFO")
    log.bound(request_id="r-1")
    log.info("later")
    assert "request_id" not in lines(capsys)[0]


def test_level(capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log("WARNING")
    log.info("not wanted")
    log.warning("wanted")
    assert [(line["level"], line["message"]) for line in lines(capsys)] == [("WARNING", "wanted")]


def test_exception_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log("INFO")
    try:
        raise OSError("connection reset")
    except OSError as error:
        log.exception("failed", error, key="incoming/a")
    (line,) = lines(capsys)
    assert (line["level"], line["key"]) == ("ERROR", "incoming/a")
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("OSError: connection reset")


def test_nothing_in_a_field_can_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("INFO").info("100% \n{}", key='a\r\n{"level": "ERROR"}\u2028\ud800')
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert output.isascii()
    assert json.loads(output)["message"] == "100% \n{}"


def test_values_that_json_does_not_know_are_written_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_log("INFO").info("odd", value={1}, raw=b"x")
    assert (lines(capsys)[0]["value"], lines(capsys)) == ("{1}", [])


def test_opening_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("INFO")
    open_log("INFO").info("once")
    assert len(lines(capsys)) == 1


def test_lines_do_not_reach_the_root_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", seen.append)
    logging.root.addHandler(handler)
    try:
        open_log("INFO").info("once")
        logging.getLogger("another").warning("seen")
    finally:
        logging.root.removeHandler(handler)
    assert [record.getMessage() for record in seen] == ["seen"]
