"""Settings, secret and rows of a PostgreSQL server for tests of the function."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3

from tools.emulator.database_tokens import Keys, Token, rejection
from tools.postgres import PostgresServer

ACCESS_KEY = "ASIAEXAMPLE"
KEYS = Keys("secret/of+the=role", "session/token+of=the/role")


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
    server: PostgresServer, *, ca_bundle: Path | None = None, **timeouts: Any
) -> Any:
    """Return the function's `DatabaseSettings` for the server."""
    from database import DatabaseSettings  # importable only with lambda/ in the module path

    return DatabaseSettings(ca_bundle=ca_bundle or server.ca_bundle, **timeouts)


def master_database(
    server: PostgresServer,
    secrets: StubSecretsClient,
    *,
    ca_bundle: Path | None = None,
    **timeouts: int,
) -> Any:
    """Return a `Database` that connects as the master user and migrates the schema."""
    from database import Database, SecretCredentials
    from migrations import migrate

    settings = database_settings(server, ca_bundle=ca_bundle, **timeouts)
    return Database(settings, SecretCredentials("arn", secrets), migrate)


class SigningClient:
    """Creates tokens with fixed keys, as the RDS client of the function with those of its role."""

    def __init__(self, keys: Keys = KEYS) -> None:
        self._client: Any = boto3.client(
            "rds",
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token or None,
        )
        self.tokens: list[str] = []

    def generate_db_auth_token(self, **arguments: Any) -> str:
        self.tokens.append(self._client.generate_db_auth_token(**arguments))
        return self.tokens[-1]


def verify_token(host: str, port: int, user: str, token: str) -> str:
    """Verify a token that `SigningClient` created."""
    keys = {ACCESS_KEY: KEYS}
    return rejection(Token.parse(token), host=host, port=port, user=user, find_keys=keys.get)


def processor_database(
    server: PostgresServer, client: SigningClient | None = None, **timeouts: Any
) -> Any:
    """Return a `Database` that connects as the data processor does."""
    from database import Database, DatabaseUser, TokenCredentials
    from migrations import require_schema

    user = DatabaseUser(
        host=server.host, port=server.token_port, database=server.database, user="tap_processor"
    )
    credentials = TokenCredentials(user, client or SigningClient())
    return Database(database_settings(server, **timeouts), credentials, require_schema)


def migrate_schema(server: PostgresServer) -> None:
    """Apply the migrations as the master user."""
    database = master_database(server, StubSecretsClient(server))
    database.begin_transaction()
    database.close()


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
