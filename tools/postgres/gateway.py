"""IAM database authentication in front of a PostgreSQL server, as RDS implements it by PAM.

PostgreSQL itself cannot verify a token. The gateway accepts TLS connections and forwards the
startup message to the server with a client certificate of its own. The server's `pg_hba.conf`
accepts that certificate for members of the role `rds_iam` only; then the gateway requests a token
from the client, as RDS does, and `verify` decides. All other users authenticate with the server
itself, by password.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

TokenVerifier = Callable[[str, int, str, str], str]
"""Called with host, port, user and token; returns the reason of a rejection, or an empty text."""

# https://www.postgresql.org/docs/16/protocol-message-formats.html
_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_AUTHENTICATION_OK = struct.pack("!cii", b"R", 8, 0)
_CLEARTEXT_PASSWORD = struct.pack("!cii", b"R", 8, 3)
_LARGEST_MESSAGE = 65_536
_CHUNK = 65_536
_BACKLOG = 64


class TokenGateway:
    """Listens on a port of 127.0.0.1 and forwards connections to the port of a server.

    `folder` contains the certificates of the server and of the gateway. `port` 0 selects a free
    port.
    """

    def __init__(
        self, folder: Path, host: str, server_port: int, verify: TokenVerifier, port: int = 0
    ) -> None:
        self._host, self._server_port, self._verify = host, server_port, verify
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._server_tls.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._client_tls = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        self._client_tls.load_cert_chain(folder / "gateway.pem", folder / "gateway.key")
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting connections; open connections end with the server."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, struct.error), contextlib.ExitStack() as stack:
            stack.enter_context(plain)
            # Before the response to the client, so that a stopped server refuses the connection.
            upstream = socket.create_connection(("127.0.0.1", self._server_port))
            stack.enter_context(upstream)
            code = _request_code(plain)
            while code == _GSS_REQUEST:
                plain.sendall(b"N")
                code = _request_code(plain)
            if code != _SSL_REQUEST:
                return
            plain.sendall(b"S")
            client = stack.enter_context(self._server_tls.wrap_socket(plain, server_side=True))
            upstream.sendall(struct.pack("!ii", 8, _SSL_REQUEST))
            if upstream.recv(1) != b"S":
                return
            server = stack.enter_context(
                self._client_tls.wrap_socket(upstream, server_hostname=self._host)
            )
            if self._authenticate(client, server):
                _forward(client, server)

    def _authenticate(self, client: ssl.SSLSocket, server: ssl.SSLSocket) -> bool:
        """Forward the startup message; return whether the connection may continue."""
        length = _receive(client, 4)
        startup = _receive(client, struct.unpack("!i", length)[0] - 4)
        server.sendall(length + startup)
        answer = server.recv(_CHUNK)
        if answer.startswith(_AUTHENTICATION_OK):
            user = _parameters(startup).get("user", "")
            client.sendall(_CLEARTEXT_PASSWORD)
            reason = self._verify(self._host, self.port, user, _password(client))
            if reason:
                client.sendall(_error(f'PAM authentication failed for user "{user}"', reason))
                return False
        client.sendall(answer)
        return True


def _request_code(plain: socket.socket) -> int:
    return int(struct.unpack("!ii", _receive(plain, 8))[1])


def _receive(source: socket.socket, count: int) -> bytes:
    if not 0 <= count <= _LARGEST_MESSAGE:
        raise EOFError
    received = b""
    while len(received) < count:
        part = source.recv(count - len(received))
        if not part:
            raise EOFError
        received += part
    return received


def _parameters(startup: bytes) -> dict[str, str]:
    """The parameters of a startup message, after the version of the protocol."""
    texts = startup[4:].split(b"\0")
    names, values = texts[::2], texts[1::2]
    return {name.decode(): value.decode() for name, value in zip(names, values, strict=False)}


def _password(client: ssl.SSLSocket) -> str:
    kind, length = struct.unpack("!ci", _receive(client, 5))
    message = _receive(client, length - 4)
    return message.removesuffix(b"\0").decode("utf-8", "replace") if kind == b"p" else ""


def _error(message: str, detail: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": "28000", "M": message, "D": detail}
    body = b"".join(f"{key}{value}".encode() + b"\0" for key, value in fields.items()) + b"\0"
    return struct.pack("!ci", b"E", len(body) + 4) + body


def _forward(client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
    """Forward in both directions until one side closes the connection."""
    other = {client: server, server: client}
    while True:
        ready = [one for one in other if one.pending()]
        ready = ready or select.select([*other], [], [])[0]
        for one in ready:
            data = one.recv(_CHUNK)
            if not data:
                return
            other[one].sendall(data)
