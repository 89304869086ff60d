"""Settings, secret and rows of a PostgreSQL server for tests of the function."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.postgres import PostgresServer


class StubSecretsClient:
    """A Secrets Manager client with one secret: the connection parameters of the server."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.values: list[dict[str, Any]] = []
        """Values that the next calls return instead, one per call."""
        self.calls: list[dict[str, str]] = []

    def get_secret_value(self, **arguments: str) -> dict[str, Any]:
        self.calls.append(arguments)
        value = self.values.pop(0) if self.values else self.server.secret()
        return {"SecretString": json.dumps(value)}


def database_settings(
    server: PostgresServer, *, ca_bundle: Path | None = None, **timeouts: int
) -> Any:
    """Return the function's `DatabaseSettings` for the server."""
    from database import DatabaseSettings  # importable only with lambda/ in the module path

    return DatabaseSettings(secret_arn="arn", ca_bundle=ca_bundle or server.ca_bundle, **timeouts)


def drop_schema(server: PostgresServer) -> None:
    """Drop the tables that earlier tests created."""
    server.query("SET client_min_messages = error; DROP SCHEMA IF EXISTS results CASCADE")


def count(server: PostgresServer, *tables: str) -> tuple[int, ...]:
    """Return the number of rows of each table."""
    statement = " UNION ALL ".join(f"SELECT count(*) FROM results.{table}" for table in tables)
    return tuple(int(row[0]) for row in server.query(statement))


def batches(cases: Iterable[Any], size: int = 1_000) -> Iterable[list[Any]]:
    """Yield the cases in lists of up to `size`, as a report does."""
    batch: list[Any] = []
    for case in cases:
        batch.append(case)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
