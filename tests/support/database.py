"""A PostgreSQL server for tests of the function, and what the function asks Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.postgres import PostgresServer


class Secrets:
    """Secrets Manager with one secret, which is what the server says of itself unless given."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.values: list[dict[str, Any]] = []
        """Given out first, one a call."""
        self.calls: list[dict[str, str]] = []

    def get_secret_value(self, **arguments: str) -> dict[str, Any]:
        self.calls.append(arguments)
        value = self.values.pop(0) if self.values else self.server.secret()
        return {"SecretString": json.dumps(value)}


def settings(server: PostgresServer, ca_bundle: Path | None = None, **timeouts: int) -> Any:
    """The function's settings for the server."""
    from database import DatabaseSettings  # on the path of the tests that ask for it

    return DatabaseSettings(secret_arn="arn", ca_bundle=ca_bundle or server.ca_bundle, **timeouts)


def fresh(server: PostgresServer) -> None:
    """Take away what earlier tests stored."""
    server.query("SET client_min_messages = error; DROP SCHEMA IF EXISTS results CASCADE")


def count(server: PostgresServer, *tables: str) -> tuple[int, ...]:
    """The number of rows in tables of the schema."""
    statement = " UNION ALL ".join(f"SELECT count(*) FROM results.{table}" for table in tables)
    return tuple(int(row[0]) for row in server.query(statement))


def batches(cases: Iterable[Any], size: int = 1_000) -> Iterable[list[Any]]:
    """Cases as a report hands them on."""
    batch: list[Any] = []
    for case in cases:
        batch.append(case)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
