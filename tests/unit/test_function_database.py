"""The function's connection to a real PostgreSQL: TLS, credentials that rotate, migrations."""

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

from database import Database, DatabaseSecretError, tls_context
from migrations import Migration, migrate, released
from tests.support.database import Secrets, count, fresh, settings
from tools.postgres import PostgresServer


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    fresh(postgres)
    password = postgres.password
    yield postgres
    if postgres.password != password:
        postgres.change_password(password)


@pytest.fixture
def secrets(server: PostgresServer) -> Secrets:
    return Secrets(server)


@pytest.fixture
def connect(server: PostgresServer, secrets: Secrets) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(ca_bundle: Path | None = None, **timeouts: int) -> Database:
        made.append(Database(settings(server, ca_bundle, **timeouts), secrets))
        return made[-1]

    yield make
    for database in made:
        database.drop()


def one(database: Database, sql: str) -> Any:
    connection = database.begin()
    ((value,),) = connection.run(sql) or ()
    connection.run("ROLLBACK")
    return value


def test_connection_is_encrypted(connect: Any) -> None:
    version = one(connect(), "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert version in ("TLSv1.2", "TLSv1.3")


def test_nothing_older_than_tls_1_2(server: PostgresServer) -> None:
    context = tls_context(server.ca_bundle)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_certificate_of_another_authority_is_refused(
    server: PostgresServer, connect: Any, secrets: Secrets
) -> None:
    with PostgresServer() as other:
        database = connect(other.ca_bundle)
        with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
            database.begin()
    assert "password" not in server.log.lower().rpartition("ready to accept")[2]


def test_certificate_in_another_name_is_refused(
    server: PostgresServer, connect: Any, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def here(host: str, *arguments: Any, **more: Any) -> Any:
        return resolve("127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    secrets.values = [server.secret() | {"host": "another.example"}]
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'another\.example'"):
        connect().begin()


def test_server_without_tls_is_refused(
    server: PostgresServer, connect: Any, secrets: Secrets
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
        with pytest.raises(Exception, match="answered b'N' to the request for TLS"):
            connect().begin()
        thread.join()
    assert received[1] == b"", "nothing may follow in clear text"


@pytest.mark.parametrize(("name", "why"), [("no.pem", "No such file"), ("empty.pem", "X509|PEM")])
def test_certificates_that_are_not_there(
    name: str, why: str, connect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Messages cut long values, and temporary paths may be long.
    monkeypatch.chdir(tmp_path)
    Path("empty.pem").write_text("no certificate")
    accepted = rf"DATABASE_CA_BUNDLE is '{name}', accepted: a file of certificates \(.*({why})"
    with pytest.raises(OSError, match=accepted):
        connect(Path(name)).begin()


def test_secret_is_asked_for_once_and_without_label(connect: Any, secrets: Secrets) -> None:
    database = connect()
    for _ in range(3):
        assert one(database, "SELECT 1") == 1
    database.drop()
    assert one(database, "SELECT 1") == 1
    assert secrets.calls == [{"SecretId": "arn"}]


def test_rotated_password_is_fetched_again(
    server: PostgresServer, connect: Any, secrets: Secrets
) -> None:
    database = connect()
    one(database, "SELECT 1")
    server.change_password("another-password")
    assert one(database, "SELECT 1") == 1, "an open connection stays"
    database.drop()
    assert one(database, "SELECT 1") == 1
    assert len(secrets.calls) == 2


def test_secret_that_is_behind_the_database_is_a_fault(
    server: PostgresServer, connect: Any, secrets: Secrets
) -> None:
    database = connect()
    one(database, "SELECT 1")
    database.drop()
    behind = server.secret()
    server.change_password("another-password")
    secrets.values = [behind]
    with pytest.raises(DatabaseError, match="28P01") as caught:
        database.begin()
    assert str(behind["password"]) not in str(caught.value)
    assert len(secrets.calls) == 2, "fetched again once, not for ever"
    assert one(database, "SELECT 1") == 1, "the next try finds the new one"


@pytest.mark.parametrize(
    "value",
    ["", "no JSON hunter2", "[]", "null", '{"password": "hunter2"}', '{"port": "hunter2"}', None],
)
def test_secret_that_cannot_be_read_is_not_shown(
    value: str | None, connect: Any, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "get_secret_value", lambda **_: {"SecretString": value})
    with pytest.raises(DatabaseSecretError, match="not readable") as caught:
        connect().begin()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_password_is_not_shown_with_the_credentials(connect: Any, server: PostgresServer) -> None:
    database = connect()
    one(database, "SELECT 1")
    assert server.password not in repr(database._credentials)
    assert server.password in json.dumps(server.secret())


def test_new_host_is_found_after_a_failure(
    server: PostgresServer, connect: Any, secrets: Secrets
) -> None:
    database = connect()
    one(database, "SELECT 1")
    server.stop(crash=True)
    with pytest.raises(OSError, match="refused"):
        database.begin()
    server.start()
    assert one(database, "SELECT 1") == 1
    assert len(secrets.calls) == 2


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("statement_timeout", {"statement_timeout_seconds": 7}, "7s"),
        ("lock_timeout", {"lock_timeout_seconds": 8}, "8s"),
        ("idle_in_transaction_session_timeout", {"statement_timeout_seconds": 90}, "90s"),
        ("application_name", {}, "data-processor"),
    ],
)
def test_timeouts_are_those_of_the_settings(
    name: str, given: dict[str, int], shown: str, connect: Any
) -> None:
    assert one(connect(**given), f"SHOW {name}") == shown


def test_slow_statement_is_ended(connect: Any) -> None:
    with pytest.raises(DatabaseError, match="57014"):
        one(connect(statement_timeout_seconds=1), "SELECT pg_sleep(10)")


@pytest.mark.parametrize("first", [b"", b"S"], ids=["says-nothing", "agrees-to-tls"])
def test_server_that_goes_silent_is_given_up_soon(
    first: bytes, server: PostgresServer, connect: Any, secrets: Secrets
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
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            connect(connect_timeout_seconds=1, statement_timeout_seconds=3).begin()
        assert time.monotonic() - begun < 4
        thread.join()


def test_kept_connection_that_goes_silent_is_given_up_soon(connect: Any) -> None:
    """As after a failover: the machine at its other end is gone and ends nothing."""
    database = connect(connect_timeout_seconds=1, statement_timeout_seconds=3)
    pid = one(database, "SELECT pg_backend_pid()")
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert one(database, "SELECT pg_backend_pid()") != pid
        assert time.monotonic() - begun < 5
    finally:
        os.kill(pid, signal.SIGCONT)


def test_kept_connection_has_its_patience_back(connect: Any) -> None:
    database = connect(connect_timeout_seconds=1)
    for _ in range(2):
        assert one(database, "SELECT pg_sleep(1.5)") == ""


def test_migrations_are_applied_once(server: PostgresServer, connect: Any) -> None:
    for _ in range(2):
        one(connect(), "SELECT 1")
    assert server.query("SELECT version FROM results.schema_version") == [
        (str(number),) for number in range(1, len(released()) + 1)
    ]


def test_eight_functions_start_at_once(server: PostgresServer, connect: Any) -> None:
    databases = [connect() for _ in range(8)]
    start, errors = threading.Barrier(8), []

    def begin(database: Database) -> None:
        start.wait()
        try:
            database.begin()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert count(server, "schema_version", "runs") == (len(released()), 0)


def test_step_that_fails_is_not_applied_in_part(server: PostgresServer, connect: Any) -> None:
    database = connect()
    connection = database._connected()
    good, bad = "CREATE TABLE results.a ()", "CREATE TABLE results.b (); SELECT 1 / 0"
    with pytest.raises(DatabaseError, match="22012"):
        migrate(connection, (Migration(1, good), Migration(2, bad)))
    connection.close()
    assert server.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'results'::regnamespace"
        " AND relkind = 'r' ORDER BY 1"
    ) == [("a",), ("schema_version",)]
    connection = database._connected()
    assert migrate(connection, (Migration(1, good), Migration(2, good.replace("a ", "b ")))) == 1
    connection.close()


def test_newer_schema_is_left_alone(server: PostgresServer, connect: Any) -> None:
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
            database.begin()
    assert one(database, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["0002_second.sql", "1_short.sql", "0001_Upper.sql", "first.sql"])
def test_misnamed_migration_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match=f"{name}; accepted: 0001_name.sql"):
        released(tmp_path)
