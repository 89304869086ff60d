"""Observes the data path of a local deployment: rotated passwords and messages that failed."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any, Self

from tools.emulator import Emulator
from tools.postgres import PostgresServer

_INTERVAL_SECONDS = 1


class DataPathObserver:
    """Reads the secret and the dead-letter queue every second, in a `with` block.

    A new password in the secret is set on the PostgreSQL server that replaces Aurora, as Terraform
    sets it on the cluster. Messages that reach the dead-letter queue are printed on standard error.
    """

    def __init__(
        self, emulator: Emulator, outputs: dict[str, Any], server: PostgresServer, log_path: Path
    ) -> None:
        self._emulator = emulator
        self._secret_id = str(outputs["database_secret_arn"])
        self._queue_url = str(outputs["dead_letter_queue_url"])
        self._server = server
        self._log_path = log_path
        self._problem = ""
        self._dead = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stopping.wait(_INTERVAL_SECONDS):
            try:
                self._follow_rotation()
                self._report_failed_messages()
            except Exception as error:  # the emulator may have ended, or the stack is destroyed
                self._print_problem(f"the secret or the queue cannot be read: {error}")

    def _follow_rotation(self) -> None:
        secrets = self._emulator.client("secretsmanager")
        value = json.loads(secrets.get_secret_value(SecretId=self._secret_id)["SecretString"])
        if value["password"] != self._server.password:
            self._server.change_password(value["password"])
            print("data path: the secret was rotated; PostgreSQL has the new password", flush=True)

    def _report_failed_messages(self) -> None:
        count = messages_in(self._emulator, self._queue_url)
        if count > self._dead:
            self._print_problem(
                f"{count} messages are in the dead-letter queue; the errors are in {self._log_path}"
            )
        self._dead = count

    def _print_problem(self, text: str) -> None:
        """Print a problem once, and again only after another one."""
        if text != self._problem:
            self._problem = text
            print(f"data path: {text}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()


def messages_in(emulator: Emulator, queue_url: str) -> int:
    """The number of visible messages in a queue."""
    name = "ApproximateNumberOfMessages"
    answer = emulator.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(answer["Attributes"][name])
