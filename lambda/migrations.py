"""Brings the database's schema up to what the code expects, also when many functions start at once.

Each `sql/NNNN_name.sql` is applied once, in the order of its number, in a transaction of
its own that also writes its number down. A file that was released is never changed: the next one
corrects it. A schema newer than the code is left alone, so that an older function keeps working
while a newer one is rolled out; migrations therefore only add.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

FOLDER = Path(__file__).parent / "sql"

# Any number will do, as long as nothing else in this database takes it.
_LOCK = 7_205_511_620
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class Connection(Protocol):
    """What is needed of a database connection."""

    def run(self, sql: str, stream: Any = None, **parameters: Any) -> list[Any] | None:  # noqa: ANN401
        """Run a statement; its rows, if it has any."""

    def close(self) -> None:
        """End the connection, and with it what was not committed."""


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    sql: str


@cache
def released(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations in their order. ValueError where a file's number or name is not the next."""
    found: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(file.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"{file.name}; accepted: {len(found) + 1:04}_name.sql")
        found.append(Migration(int(match[1]), file.read_text(encoding="utf-8")))
    return tuple(found)


def migrate(connection: Connection, migrations: tuple[Migration, ...] | None = None) -> int:
    """Apply what is missing; returns how many steps this call applied.

    Errors of the database pass through and leave a transaction open: the caller closes the
    connection, and nothing of the step that failed is applied.
    """
    wanted = released() if migrations is None else migrations
    applied = 0
    # Without a lock first: nearly every start finds the schema as it should be.
    for migration in wanted[_version(connection) :]:
        connection.run("BEGIN")
        # Held until the end of the transaction, so also let go when the function is killed.
        connection.run(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if _version(connection) < migration.version:
            connection.run(
                "CREATE SCHEMA IF NOT EXISTS results;"
                " CREATE TABLE IF NOT EXISTS results.schema_version (version integer PRIMARY KEY,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )
            connection.run(migration.sql)
            connection.run(
                "INSERT INTO results.schema_version (version) VALUES (:version)",
                version=migration.version,
            )
            applied += 1
        connection.run("COMMIT")
    return applied


def _version(connection: Connection) -> int:
    # Not to_regclass: it may answer from before the wait for the lock, since a session's cache of
    # names is brought up to date at the start of a transaction, but a query sees what is there.
    if not _value(
        connection,
        "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        " ON n.oid = c.relnamespace WHERE n.nspname = 'results' AND c.relname = 'schema_version'",
    ):
        return 0
    return int(_value(connection, "SELECT coalesce(max(version), 0) FROM results.schema_version"))


def _value(connection: Connection, sql: str) -> Any:  # noqa: ANN401
    rows = connection.run(sql) or [[0]]
    return rows[0][0]
