"""Connection to the database: TLS with a verified host name, and credentials that may be rotated.

Host, port, database, user and password are read from the secret without a version id or stage,
because the role of the function may read the current version only. The credentials are cached
between invocations, and read again when the database rejects them.
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
from report_model import format_value

# SQLSTATE invalid_password and invalid_authorization_specification.
_AUTHENTICATION_ERRORS = ("28P01", "28000")
# The server enforces the statement timeout; the socket timeout, which is longer by this value,
# detects a server that no longer responds.
_SOCKET_TIMEOUT_MARGIN_SECONDS = 5
_CLOSE_TIMEOUT_SECONDS = 1
# SSLRequest message: its length and the request code.
# https://www.postgresql.org/docs/16/protocol-message-formats.html
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)

DATABASE_ERRORS = (pg8000.native.Error, OSError)
"""Exceptions of a connection: errors of the database, the network and TLS."""


class SecretsClient(Protocol):
    """The method of the Secrets Manager client that this module calls."""

    def get_secret_value(self, **arguments: str) -> Mapping[str, Any]:
        """Return the value of a secret."""


class DatabaseSecretError(Exception):
    """The secret does not contain valid connection parameters; a later retry may succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Secret and certificate authorities of the database, and timeouts."""

    secret_arn: str
    ca_bundle: Path
    connect_timeout_seconds: int = 5
    """For each step of connecting, and for the first response of a reused connection."""
    statement_timeout_seconds: int = 60
    lock_timeout_seconds: int = 10
    """Also bounds the wait for another function that stores the same object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Credentials:
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, text: object) -> "_Credentials":
        try:
            value: Any = json.loads(str(text))
            return cls(
                host=str(value["host"]),
                port=int(value["port"]),
                database=str(value["dbname"]),
                user=str(value["username"]),
                password=str(value["password"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            # Without the message of the error, which may contain parts of the secret.
            raise DatabaseSecretError(
                f"secret of the database: received invalid content ({type(error).__name__});"
                ' accepted: {"host", "port", "dbname", "username", "password"}'
            ) from None


class Database:
    """One connection, reused between invocations."""

    def __init__(self, settings: DatabaseSettings, secrets: SecretsClient) -> None:
        self._settings = settings
        self._secrets = secrets
        self._tls: ssl.SSLContext | None = None
        self._credentials: _Credentials | None = None
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None

    @property
    def statement_timeout_seconds(self) -> int:
        """Seconds after which the server cancels a statement."""
        return self._settings.statement_timeout_seconds

    def begin_transaction(self) -> Connection:
        """Begin a transaction on a connection with a migrated schema, and return the connection.

        The caller must call `close` after any error. Raises one of `DATABASE_ERRORS`,
        `DatabaseSecretError`, or an exception of botocore for the secret.
        """
        if self._connection is not None:
            try:
                # A short timeout: after a failover the old server does not close the connection.
                self._set_socket_timeout(self._settings.connect_timeout_seconds)
                self._connection.run("BEGIN")
                self._set_socket_timeout(self._response_timeout_seconds)
            except DATABASE_ERRORS:
                self.close()  # the server was restarted, or the connection was idle for too long
            else:
                return self._connection
        connection: Connection = self._connect()
        self._connection = connection
        try:
            migrate(connection)
            connection.run("BEGIN")
        except BaseException:
            self.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection and roll back its transaction; the next transaction reconnects."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*DATABASE_ERRORS):
                # Closing flushes the send buffer, which blocks if the server no longer reads.
                self._set_socket_timeout(_CLOSE_TIMEOUT_SECONDS)
                connection.close()
        self._socket = None

    @property
    def _response_timeout_seconds(self) -> int:
        return self.statement_timeout_seconds + _SOCKET_TIMEOUT_MARGIN_SECONDS

    def _set_socket_timeout(self, seconds: int) -> None:
        """Set the timeout of each send and receive operation."""
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def _connect(self) -> Connection:
        cached = self._credentials
        if cached is not None:
            try:
                return self._connect_with(cached)
            except DATABASE_ERRORS as error:
                self._credentials = None  # the cluster may have been replaced
                if not _is_authentication_error(error):
                    raise
        current = self._fetch_credentials()
        connection = self._connect_with(current)
        self._credentials = current
        return connection

    def _fetch_credentials(self) -> _Credentials:
        response = self._secrets.get_secret_value(SecretId=self._settings.secret_arn)
        return _Credentials.parse(response.get("SecretString"))

    def _connect_with(self, credentials: _Credentials) -> Connection:
        settings = self._settings
        tls = self._tls = self._tls or create_tls_context(settings.ca_bundle)
        address = (credentials.host, credentials.port)
        sock = socket.create_connection(address, settings.connect_timeout_seconds)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock = _start_tls(sock, tls, credentials.host)
            connection: Connection = pg8000.native.Connection(
                credentials.user,
                database=credentials.database,
                password=credentials.password,
                sock=sock,
                ssl_context=False,  # the socket is already encrypted
                application_name="data-processor",
                startup_params={
                    "client_encoding": "UTF8",
                    "statement_timeout": f"{settings.statement_timeout_seconds}s",
                    "lock_timeout": f"{settings.lock_timeout_seconds}s",
                    # Releases the locks of a function that is frozen or was terminated.
                    "idle_in_transaction_session_timeout": (
                        f"{settings.statement_timeout_seconds}s"
                    ),
                },
            )
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        self._set_socket_timeout(self._response_timeout_seconds)
        return connection


def _start_tls(plain: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    # Not by the driver, which does not expose the encrypted socket and its timeout.
    plain.sendall(_SSL_REQUEST)
    response = plain.recv(1)
    if response != b"S":
        raise pg8000.native.InterfaceError(
            f"response to SSLRequest: received {response!r}; accepted: b'S'"
        )
    return tls.wrap_socket(plain, server_hostname=host)


def create_tls_context(ca_bundle: Path) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or later that verifies certificate chain and host name."""
    try:
        context = ssl.create_default_context(cafile=str(ca_bundle))
    except OSError as error:  # includes ssl.SSLError; its message does not contain the path
        raise OSError(
            f"DATABASE_CA_BUNDLE: received {format_value(str(ca_bundle))}; accepted: a file of"
            f" PEM certificates ({error.strerror})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_authentication_error(error: BaseException) -> bool:
    # pg8000 passes the fields of the ErrorResponse message; "C" is the SQLSTATE code.
    fields = error.args[0] if error.args else None
    return isinstance(fields, dict) and fields.get("C") in _AUTHENTICATION_ERRORS
