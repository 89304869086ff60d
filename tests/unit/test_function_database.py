"""Connection to a PostgreSQL server: TLS, rotated credentials, timeouts, migrations."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError

from database import Database, DatabaseSecretError, create_tls_context
from migrations import Migration, load_migrations, migrate
from tests.support.function_database import StubSecretsClient, count, database_settings, drop_schema
from tools.postgres import PostgresServer


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    drop_schema(postgres)
    password = postgres.password
    yield postgres
    if postgres.password != password:
        postgres.change_password(password)


@pytest.fixture
def secrets(server: PostgresServer) -> StubSecretsClient:
    return StubSecretsClient(server)


@pytest.fixture
def connect(
    server: PostgresServer, secrets: StubSecretsClient
) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(ca_bundle: Path | None = None, **timeouts: int) -> Database:
        made.append(Database(database_settings(server, ca_bundle=ca_bundle, **timeouts), secrets))
        return made[-1]

    yield make
    for database in made:
        database.close()


def one(database: Database, sql: str) -> Any:
    connection = database.begin_transaction()
    value = (connection.run(sql) or [[None]])[0][0]
    connection.run("ROLLBACK")
    return value


def test_connection_is_encrypted(connect: Any) -> None:
    version = one(connect(), "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert version in ("TLSv1.2", "TLSv1.3")


def test_minimum_tls_version_is_1_2(server: PostgresServer) -> None:
    context = create_tls_context(server.ca_bundle)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_certificate_of_another_authority_is_rejected(
    server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    with PostgresServer() as other:
        database = connect(other.ca_bundle)
        with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
            database.begin_transaction()
    assert "password" not in server.log.lower().rpartition("ready to accept")[2]


def test_certificate_for_another_host_name_is_rejected(
    server: PostgresServer,
    connect: Any,
    secrets: StubSecretsClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo

    def here(host: str, *arguments: Any, **more: Any) -> Any:
        return resolve("127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    secrets.values = [server.secret() | {"host": "another.example"}]
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'another\.example'"):
        connect().begin_transaction()


def test_server_without_tls_is_rejected(
    server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        secrets.values = [server.secret() | {"port": port}]
        received: list[bytes] = []

        def answer() -> None:
            with listener.accept()[0] as connection:
                received.append(connection.recv(8))
                connection.sendall(b"N")
                received.append(connection.recv(1000))

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(
            Exception, match="response to SSLRequest: received b'N'; accepted: b'S'"
        ):
            connect().begin_transaction()
        thread.join()
    assert received[1] == b"", "no data is sent without TLS"


@pytest.mark.parametrize(("name", "why"), [("no.pem", "No such file"), ("empty.pem", "X509|PEM")])
def test_invalid_ca_bundle_raises_an_error_with_its_path(
    name: str, why: str, connect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Messages truncate long values, and temporary paths may be long.
    monkeypatch.chdir(tmp_path)
    Path("empty.pem").write_text("no certificate")
    accepted = (
        rf"DATABASE_CA_BUNDLE: received '{name}'; accepted: a file of PEM certificates \(.*({why})"
    )
    with pytest.raises(OSError, match=accepted):
        connect(Path(name)).begin_transaction()


def test_secret_is_fetched_once_without_version_stage(
    connect: Any, secrets: StubSecretsClient
) -> None:
    database = connect()
    for _ in range(3):
        assert one(database, "SELECT 1") == 1
    database.close()
    assert one(database, "SELECT 1") == 1
    assert secrets.calls == [{"SecretId": "arn"}]


def test_rotated_password_is_fetched(
    server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    database = connect()
    one(database, "SELECT 1")
    server.change_password("another-password")
    assert one(database, "SELECT 1") == 1, "open connections remain valid"
    database.close()
    assert one(database, "SELECT 1") == 1
    assert len(secrets.calls) == 2


def test_outdated_secret_raises_an_authentication_error(
    server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    database = connect()
    one(database, "SELECT 1")
    database.close()
    outdated = server.secret()
    server.change_password("another-password")
    secrets.values = [outdated]
    with pytest.raises(DatabaseError, match="28P01") as caught:
        database.begin_transaction()
    assert str(outdated["password"]) not in str(caught.value)
    assert len(secrets.calls) == 2, "fetched again once"
    assert one(database, "SELECT 1") == 1, "the next attempt fetches the new value"


@pytest.mark.parametrize(
    "value",
    ["", "no JSON hunter2", "[]", "null", '{"password": "hunter2"}', '{"port": "hunter2"}', None],
)
def test_invalid_secret_is_not_contained_in_the_error(
    value: str | None, connect: Any, secrets: StubSecretsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "get_secret_value", lambda **_: {"SecretString": value})
    with pytest.raises(DatabaseSecretError, match="received invalid content") as caught:
        connect().begin_transaction()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_password_is_not_contained_in_repr_of_the_credentials(
    connect: Any, server: PostgresServer
) -> None:
    database = connect()
    one(database, "SELECT 1")
    assert server.password not in repr(database._credentials)
    assert server.password in json.dumps(server.secret())


def test_credentials_are_fetched_again_after_a_connection_error(
    server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    database = connect()
    one(database, "SELECT 1")
    server.stop(crash=True)
    with pytest.raises(OSError, match="refused"):
        database.begin_transaction()
    server.start()
    assert one(database, "SELECT 1") == 1
    assert len(secrets.calls) == 2


@pytest.mark.parametrize(
    ("name", "timeouts", "value"),
    [
        ("statement_timeout", {"statement_timeout_seconds": 7}, "7s"),
        ("lock_timeout", {"lock_timeout_seconds": 8}, "8s"),
        ("idle_in_transaction_session_timeout", {"statement_timeout_seconds": 90}, "90s"),
        ("application_name", {}, "data-processor"),
    ],
)
def test_session_parameters_match_the_settings(
    name: str, timeouts: dict[str, int], value: str, connect: Any
) -> None:
    assert one(connect(**timeouts), f"SHOW {name}") == value


def test_slow_statement_is_cancelled(connect: Any) -> None:
    with pytest.raises(DatabaseError, match="57014"):
        one(connect(statement_timeout_seconds=1), "SELECT pg_sleep(10)")


@pytest.mark.parametrize("first", [b"", b"S"], ids=["no-response", "after-ssl-request"])
def test_unresponsive_server_raises_after_the_connect_timeout(
    first: bytes, server: PostgresServer, connect: Any, secrets: StubSecretsClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        secrets.values = [server.secret() | {"port": listener.getsockname()[1]}]

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.sendall(first)
                while connection.recv(1000):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            connect(connect_timeout_seconds=1, statement_timeout_seconds=3).begin_transaction()
        assert time.monotonic() - started < 4
        thread.join()


def test_unresponsive_reused_connection_is_replaced_after_the_connect_timeout(connect: Any) -> None:
    """As after a failover: the old server does not close the connection."""
    database = connect(connect_timeout_seconds=1, statement_timeout_seconds=3)
    pid = one(database, "SELECT pg_backend_pid()")
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert one(database, "SELECT pg_backend_pid()") != pid
        assert time.monotonic() - started < 5
    finally:
        os.kill(pid, signal.SIGCONT)


def test_connect_timeout_does_not_apply_to_statements(connect: Any) -> None:
    database = connect(connect_timeout_seconds=1)
    for _ in range(2):
        assert one(database, "SELECT pg_sleep(1.5)") == ""


def test_migrations_are_applied_once(server: PostgresServer, connect: Any) -> None:
    for _ in range(2):
        one(connect(), "SELECT 1")
    assert server.query("SELECT version FROM results.schema_version") == [
        (str(number),) for number in range(1, len(load_migrations()) + 1)
    ]


def test_concurrent_migrations_are_applied_once(server: PostgresServer, connect: Any) -> None:
    databases = [connect() for _ in range(8)]
    start, errors = threading.Barrier(8), []

    def begin(database: Database) -> None:
        start.wait()
        try:
            database.begin_transaction()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert count(server, "schema_version", "runs") == (len(load_migrations()), 0)


def test_failed_migration_is_rolled_back(server: PostgresServer, connect: Any) -> None:
    database = connect()
    connection = database._connect()
    valid, invalid = "CREATE TABLE results.a ()", "CREATE TABLE results.b (); SELECT 1 / 0"
    with pytest.raises(DatabaseError, match="22012"):
        migrate(connection, (Migration(1, valid), Migration(2, invalid)))
    connection.close()
    assert server.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'results'::regnamespace"
        " AND relkind = 'r' ORDER BY 1"
    ) == [("a",), ("schema_version",)]
    connection = database._connect()
    assert migrate(connection, (Migration(1, valid), Migration(2, valid.replace("a ", "b ")))) == 1
    connection.close()


def test_newer_schema_is_accepted(server: PostgresServer, connect: Any) -> None:
    one(connect(), "SELECT 1")
    server.query("INSERT INTO results.schema_version (version) VALUES (999)")
    assert one(connect(), "SELECT 1") == 1


def test_failed_migration_closes_the_connection(
    server: PostgresServer, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect()

    def fail(_: object) -> None:
        raise ValueError("no")

    with monkeypatch.context() as patch:
        patch.setattr("database.migrate", fail)
        with pytest.raises(ValueError, match="no"):
            database.begin_transaction()
    assert one(database, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["0002_second.sql", "1_short.sql", "0001_Upper.sql", "first.sql"])
def test_migration_with_invalid_name_is_rejected(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match=f"migration: received {name}; accepted: 0001_name.sql"):
        load_migrations(tmp_path)
