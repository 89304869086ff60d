"""A deployed function that runs on this machine, and the data path around it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.errors import ToolError
from tools.local.data_path import summary_text
from tools.local.function import FunctionError, LocalFunction

HANDLER = """
import os
count = 0

def handler(event, context):
    global count
    count += 1
    if event == "fail":
        raise ValueError("invalid event")
    if event == "exit":
        print("the end of the log", flush=True)
        os._exit(3)
    if event == "hang":
        import time
        time.sleep(60)
    remaining = context.get_remaining_time_in_millis()
    return {
        "count": count, "remaining": remaining, "role": os.environ["AWS_ACCESS_KEY_ID"],
        "bundle": os.environ["BUNDLE"], "boto3": __import__("boto3").__name__,
    }
"""


class FakeEmulator:
    """An emulator with one deployed function."""

    def __init__(self, folder: Path, *, checksum: str = "") -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("code.py", HANDLER)
        package = folder / "package.zip"
        package.write_bytes(stream.getvalue())
        digest = base64.b64encode(hashlib.sha256(stream.getvalue()).digest()).decode()
        self.function = {
            "Code": {"Location": package.as_uri()},
            "Configuration": {
                "CodeSha256": checksum or digest,
                "Role": "arn:aws:iam::123456789012:role/function",
                "MemorySize": 512,
                "Timeout": 20,
                "Handler": "code.handler",
                "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:one",
                "Environment": {"Variables": {"BUNDLE": "deployed"}},
            },
        }

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return SimpleNamespace(get_function=lambda **_: self.function)

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": "test"}

    def role_keys(self, role_arn: str) -> dict[str, str]:
        assert role_arn.endswith("role/function")
        return {"aws_access_key_id": "of the role"}


@pytest.fixture
def function(tmp_path: Path) -> Iterator[LocalFunction]:
    emulator: Any = FakeEmulator(tmp_path)
    with LocalFunction(emulator, "one", overrides={"BUNDLE": "local"}) as one:
        yield one


def test_handler_runs_with_the_role_and_keeps_its_process(function: LocalFunction) -> None:
    with function.process() as process:
        first, second = process.invoke({}), process.invoke({})
        assert process.pid > 0
    assert process.pid == 0
    assert (first.result["count"], second.result["count"]) == (1, 2)
    assert first.result["role"] == "of the role"
    assert first.result["bundle"] == "local"
    assert first.result["boto3"] == "boto3"
    assert 0 < first.result["remaining"] <= 20_000
    assert first.peak_memory_mib > 1


def test_failed_invocation_reports_the_error_and_the_next_one_succeeds(
    function: LocalFunction,
) -> None:
    with function.process() as process:
        with pytest.raises(FunctionError, match="function one: ValueError: invalid event"):
            process.invoke("fail")
        with pytest.raises(FunctionError, match=r"its process ended:\n(.*\n)*the end of the log"):
            process.invoke("exit")
        assert process.invoke({}).result["count"] == 1


def test_invocation_ends_at_the_timeout(function: LocalFunction) -> None:
    function.settings["Timeout"] = 1
    with function.process() as process, pytest.raises(FunctionError, match="no result within 1 s"):
        process.invoke("hang")


def test_package_with_another_checksum_is_an_error(tmp_path: Path) -> None:
    emulator: Any = FakeEmulator(tmp_path, checksum="other")
    with pytest.raises(ToolError, match="accepted: other, that of the deployed function"):
        LocalFunction(emulator, "one")


def test_summary_is_printed_in_a_few_lines() -> None:
    case = {"suite": "s", "name": "n", "duration_seconds": 1.5}
    summary = {
        "totals": {"cases": 3, "duration_seconds": 2.5, "passed": 2, "failed": 1, "error": 0},
        "failures": [case | {"message": "expected\nmore"}],
        "slowest": [case],
    }
    assert summary_text(summary).splitlines() == [
        "  3 cases in 2.5 s: 2 passed, 1 failed",
        "  failures: s / n: expected",
        "  slowest: s / n: 1.5 s",
    ]
