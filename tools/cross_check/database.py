"""PostgreSQL instead of the emulated Aurora cluster, from the moment the cluster is created."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tools.cross_check.account import Ministack
from tools.errors import ToolError
from tools.postgres import PostgresServer
from tools.postgres.server import free_port


class ClusterDatabase:
    """A PostgreSQL server at the name of the cluster's endpoint, inside a `with` block.

    `variables` configure the functions: they connect to the gateway of this server instead of the
    endpoint, and trust the certificate authority that signed its certificate. The account verifies
    the IAM tokens that the gateway receives.
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

    def create(self, account: Ministack, cluster: Mapping[str, str]) -> None:
        """Start the server with the host, user, password and database of a cluster."""

        def verify(_host: str, _port: int, user: str, token: str) -> str:
            return account.token_rejection(cluster["identifier"], user, token)

        server = PostgresServer(
            user=cluster["user"],
            password=cluster["password"],
            database=cluster["database"],
            host=cluster["host"],
            verify_token=verify,
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
