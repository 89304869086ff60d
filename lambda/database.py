"""The connection to the database: by TLS with a name that is verified, with rotating credentials.

Host, port, database, user and password come from the secret, asked for without label or version:
the function's role may read the current one only. They are kept between invocations, and fetched
again when the database refuses them.
"""

import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pg8000.native

from migrations import Connection, migrate
from report_model import shown

_AUTHENTICATION_FAILED = ("28P01", "28000")
# The server ends a statement itself; the socket's own limit is for a server that is gone.
_GRACE_SECONDS = 5
_FAREWELL_SECONDS = 1
# Asks for TLS: the length of the message, and the number that stands for the request.
# https://www.postgresql.org/docs/16/protocol-message-formats.html
_TLS_REQUEST = struct.pack("!ii", 8, 80877103)

DATABASE_ERRORS = (pg8000.native.Error, OSError)
"""What a connection raises: the database's own errors, and those of the network and of TLS."""


class SecretsClient(Protocol):
    """The call made to Secrets Manager."""

    def get_secret_value(self, **arguments: str) -> Mapping[str, Any]:
        """The value of a secret."""


class DatabaseSecretError(Exception):
    """A secret that does not say how to reach a database; it may be about to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the database's secret and certificates are, and how long it may take to answer."""

    secret_arn: str
    ca_bundle: Path
    connect_timeout_seconds: int = 5
    """For each answer until the connection is there, and for the first of one that was kept."""
    statement_timeout_seconds: int = 60
    lock_timeout_seconds: int = 10
    """Also how long to wait for another function that stores the same object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Credentials:
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, text: object) -> "_Credentials":
        try:
            value: Any = json.loads(str(text))
            found = {name: value[name] for name in ("host", "port", "dbname", "username")}
            password = str(value["password"])
            port = int(found["port"])
        except (ValueError, KeyError, TypeError) as error:
            # Not the error's own text, which may hold what the secret holds.
            raise DatabaseSecretError(
                f"the secret of the database is not readable ({type(error).__name__}); accepted:"
                ' {"host", "port", "dbname", "username", "password"}'
            ) from None
        return cls(
            host=str(found["host"]),
            port=port,
            database=str(found["dbname"]),
            user=str(found["username"]),
            password=password,
        )


class Database:
    """One connection, kept between invocations."""

    def __init__(self, settings: DatabaseSettings, secrets: SecretsClient) -> None:
        self._settings = settings
        self._secrets = secrets
        self._tls: ssl.SSLContext | None = None
        self._credentials: _Credentials | None = None
        self._connection: Connection | None = None
        self._link: socket.socket | None = None

    @property
    def statement_timeout_seconds(self) -> int:
        """After so many seconds the server ends a statement."""
        return self._settings.statement_timeout_seconds

    def begin(self) -> Connection:
        """A connection with a transaction begun, its schema up to date.

        Whoever meets an error afterwards calls `drop`. Raises one of `DATABASE_ERRORS`, or
        `DatabaseSecretError`, or botocore's errors for the secret.
        """
        if self._connection is not None:
            try:
                # One that is alive answers at once; one that is gone may not even say so.
                self._answer_within(self._settings.connect_timeout_seconds)
                self._connection.run("BEGIN")
                self._answer_within(self.statement_timeout_seconds + _GRACE_SECONDS)
            except DATABASE_ERRORS:
                self.drop()  # the server was restarted, or the connection idle for too long
            else:
                return self._connection
        connection: Connection = self._connected()
        self._connection = connection
        try:
            migrate(connection)
            connection.run("BEGIN")
        except BaseException:
            self.drop()
            raise
        return connection

    def drop(self) -> None:
        """Close the connection; what was begun is rolled back. The next `begin` opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*DATABASE_ERRORS):
                # Closing sends what is left to send, also to a server that takes nothing any more.
                self._answer_within(_FAREWELL_SECONDS)
                connection.close()
        self._link = None

    def _answer_within(self, seconds: int) -> None:
        """From now on give the server up when it takes or sends nothing for so long."""
        if self._link is not None:
            self._link.settimeout(seconds)

    def _connected(self) -> Connection:
        known = self._credentials
        if known is not None:
            try:
                return self._connected_as(known)
            except DATABASE_ERRORS as error:
                self._credentials = None  # the cluster may have been replaced
                if not _refused(error):
                    raise
        fetched = self._fetched()
        connection = self._connected_as(fetched)
        self._credentials = fetched
        return connection

    def _fetched(self) -> _Credentials:
        answer = self._secrets.get_secret_value(SecretId=self._settings.secret_arn)
        return _Credentials.read(answer.get("SecretString"))

    def _connected_as(self, credentials: _Credentials) -> Connection:
        settings = self._settings
        tls = self._tls = self._tls or tls_context(settings.ca_bundle)
        address = (credentials.host, credentials.port)
        link = socket.create_connection(address, settings.connect_timeout_seconds)
        try:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            link = _encrypted(link, tls, credentials.host)
            connection: Connection = pg8000.native.Connection(
                credentials.user,
                database=credentials.database,
                password=credentials.password,
                sock=link,
                ssl_context=False,  # the socket is encrypted already
                application_name="data-processor",
                startup_params={
                    "client_encoding": "UTF8",
                    "statement_timeout": f"{settings.statement_timeout_seconds}s",
                    "lock_timeout": f"{settings.lock_timeout_seconds}s",
                    # A function that is frozen or gone must not keep its locks.
                    "idle_in_transaction_session_timeout": (
                        f"{settings.statement_timeout_seconds}s"
                    ),
                },
            )
        except BaseException:
            link.close()
            raise
        self._link = link
        self._answer_within(settings.statement_timeout_seconds + _GRACE_SECONDS)
        return connection


def _encrypted(plain: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    # Not left to the driver, which keeps the encrypted socket, and with it the timeouts, to itself.
    plain.sendall(_TLS_REQUEST)
    answer = plain.recv(1)
    if answer != b"S":
        raise pg8000.native.InterfaceError(
            f"the server answered {answer!r} to the request for TLS; accepted: b'S'"
        )
    return tls.wrap_socket(plain, server_hostname=host)


def tls_context(ca_bundle: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer, a certificate of these authorities, in the name of the host."""
    try:
        context = ssl.create_default_context(cafile=str(ca_bundle))
    except OSError as error:  # OpenSSL's own, too, and none of them says where to look
        raise OSError(
            f"DATABASE_CA_BUNDLE is {shown(str(ca_bundle))}, accepted: a file of certificates"
            f" ({error.strerror})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _refused(error: BaseException) -> bool:
    answer = error.args[0] if error.args else None
    return isinstance(answer, dict) and answer.get("C") in _AUTHENTICATION_FAILED
