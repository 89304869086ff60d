"""PostgreSQL instead of the emulated Aurora cluster, from the moment the cluster is created."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tools.emulator.database_tokens import Token, content_rejection
from tools.errors import ToolError
from tools.postgres import PostgresServer
from tools.postgres.server import free_port

_ENDPOINT_PORT = 5432


class ClusterDatabase:
    """A PostgreSQL server at the name of the cluster's endpoint, inside a `with` block.

    `variables` configure the functions: they connect to the gateway of this server instead of the
    endpoint, and trust the certificate authority that signed its certificate. The gateway verifies
    the content of IAM tokens but not their signature, because ministack does not disclose the keys
    of the roles; the first emulator does.
    """

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._ca_bundle = folder / "database-ca.pem"
        self.server: PostgresServer | None = None
        self._error = ""

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of the functions."""
        return {"POSTGRES_PORT": str(self._port), "DATABASE_CA_BUNDLE": str(self._ca_bundle)}

    def require_server(self) -> PostgresServer:
        """The running server; raises ToolError if it does not run."""
        if self.server is None:
            raise ToolError(
                f"PostgreSQL: received no server ({self._error or 'no cluster was created'});"
                " accepted: one that starts with the cluster. Read the log of the deployment."
            )
        return self.server

    def create(self, cluster: Mapping[str, str]) -> None:
        """Start the server with the host, user, password and database of a cluster."""
        server = PostgresServer(
            user=cluster["user"],
            password=cluster["password"],
            database=cluster["database"],
            host=cluster["host"],
            verify_token=_verify,
            token_port=self._port,
        )
        try:
            server.__enter__()
        except ToolError as error:
            self._error = str(error)
            return
        shutil.copy(server.ca_bundle, self._ca_bundle)
        self.server = server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.__exit__()


def _verify(host: str, _port: int, user: str, token: str) -> str:
    # The functions sign the port of the endpoint, which is not that of the gateway.
    return content_rejection(Token.parse(token), host=host, port=_ENDPOINT_PORT, user=user)
