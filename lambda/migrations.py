"""Schema migrations, which may run concurrently in several execution environments.

Each file `sql/NNNN_name.sql` is applied once, in the order of the numbers, in its own transaction,
which also records the number. The statements of a released file must not change; a later file
corrects them. Comments may change, because no checksum is stored. A schema that is newer than the
code is accepted, so that the previous version of the function works during a deployment; a
migration must therefore be compatible with the previous version of the code.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

FOLDER = Path(__file__).parent / "sql"

# Arbitrary; no other advisory lock in this database has this key.
_ADVISORY_LOCK_KEY = 7_205_511_620
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class Connection(Protocol):
    """Methods of a database connection that the function calls."""

    def run(self, sql: str, stream: Any = None, **parameters: Any) -> list[Any] | None:  # noqa: ANN401
        """Execute a statement and return its rows, or None."""

    def close(self) -> None:
        """Close the connection and roll back an open transaction."""


class Migration(NamedTuple):
    """One version of the schema."""

    version: int
    sql: str


@cache
def load_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations in order; ValueError for an invalid name or a gap in the numbers."""
    migrations: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(file.name)
        if match is None or int(match[1]) != len(migrations) + 1:
            raise ValueError(
                f"migration: received {file.name}; accepted: {len(migrations) + 1:04}_name.sql"
            )
        migrations.append(Migration(int(match[1]), file.read_text(encoding="utf-8")))
    return tuple(migrations)


def migrate(connection: Connection, migrations: tuple[Migration, ...] | None = None) -> int:
    """Apply the missing migrations; returns the number of migrations that this call applied.

    Errors of the database are not caught and leave a transaction open: the caller must close the
    connection, which rolls back the migration that failed.
    """
    migrations = load_migrations() if migrations is None else migrations
    applied = 0
    # First without the lock, because the schema is usually up to date.
    for migration in migrations[_version(connection) :]:
        connection.run("BEGIN")
        # Held until the end of the transaction, so that it is released if the function terminates.
        connection.run(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK_KEY})")
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
    # Not to_regclass(): it may use the catalog cache of the session, which was last invalidated
    # before the wait for the lock; a query reads the current catalog.
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
