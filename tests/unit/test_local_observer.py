"""The observer of the data path, with a fake account and a fake server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.local import observer as module
from tools.local.observer import DataPathObserver

OUTPUTS = {"database_secret_arn": "secret", "dead_letter_queue_url": "dead"}


class Account:
    """Secrets Manager and SQS; the queue cannot be read if `dead` is None."""

    def __init__(self, dead: int | None = 0) -> None:
        self.password, self.dead = "word", dead

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"password": self.password})}

    def get_queue_attributes(self, **_: object) -> dict[str, Any]:
        if self.dead is None:
            raise ConnectionError("refused")
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.dead)}}


class Server:
    """A PostgreSQL server with a password."""

    password = "word"

    def change_password(self, password: str) -> None:
        self.password = password


def observer(account: Account, server: Server, monkeypatch: pytest.MonkeyPatch) -> DataPathObserver:
    monkeypatch.setattr(module, "_INTERVAL_SECONDS", 0.01)
    emulator: Any = SimpleNamespace(client=lambda _service: account)
    fake: Any = server
    return DataPathObserver(emulator, OUTPUTS, fake, Path("function.log"))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait up to ten seconds until a condition is true."""
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_rotated_password_is_set_on_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account, server = Account(), Server()
    with observer(account, server, monkeypatch):
        account.password = "rotated"
        wait_until(lambda: server.password == "rotated")
    text = capsys.readouterr().out
    assert text.count("the secret was rotated; PostgreSQL has the new password") == 1


def test_messages_that_reach_the_dead_letter_queue_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account()
    printed: list[str] = []

    def reported(count: int) -> bool:
        printed.append(capsys.readouterr().err)
        return f"data path: {count} messages are in the dead-letter queue" in "".join(printed)

    with observer(account, Server(), monkeypatch):
        for count in (3, 4):
            account.dead = count
            wait_until(lambda count=count: reported(count))  # type: ignore[misc]


def test_unreadable_account_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with observer(Account(None), Server(), monkeypatch):
        time.sleep(0.2)
    assert capsys.readouterr().err.count("the secret or the queue cannot be read: refused") == 1
