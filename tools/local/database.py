"""The PostgreSQL server that replaces a deployed Aurora cluster on this machine."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tools.emulator import Emulator
from tools.local.function import LocalFunction
from tools.postgres import PostgresServer


class LocalDatabase:
    """A server with user, password and database name of a deployed cluster, in a `with` block.

    The secret, the cluster and the functions do not change: processes of the functions get the
    address of the server as variables. Roles that authenticate with IAM connect at a port whose
    gateway has their tokens verified by the emulator.
    """

    def __init__(self, emulator: Emulator, outputs: dict[str, Any], log_path: Path) -> None:
        self._emulator, self._outputs, self._log_path = emulator, outputs, log_path
        self._open = ExitStack()
        self.server: PostgresServer

    def processor_variables(self) -> dict[str, str]:
        """Variables with which the data processor connects to the server."""
        return self._variables(self.server.token_port)

    def administer(self) -> list[Any]:
        """Invoke the administrator with the events that the emulator stored; return the results.

        Raises FunctionError if an invocation fails.
        """
        name, variables = self._outputs["database_administrator_name"], self._variables()
        with LocalFunction(
            self._emulator, name, overrides=variables, log_path=self._log_path
        ) as function:
            events = self._emulator.invocation_events(function.settings["FunctionArn"])
            with function.process() as process:
                return [process.invoke(event).result for event in events]

    def _variables(self, port: int | None = None) -> dict[str, str]:
        return {
            "DATABASE_HOST": self.server.host,
            "DATABASE_PORT": str(port or self.server.port),
            "DATABASE_CA_BUNDLE": str(self.server.ca_bundle),
        }

    def __enter__(self) -> Self:
        secret = self._emulator.client("secretsmanager").get_secret_value(
            SecretId=self._outputs["database_secret_arn"]
        )
        value = json.loads(secret["SecretString"])
        described = self._emulator.client("rds").describe_db_clusters(
            DBClusterIdentifier=self._outputs["aurora_cluster_id"]
        )
        resource_id = str(described["DBClusters"][0]["DbClusterResourceId"])

        def verify(host: str, port: int, user: str, token: str) -> str:
            return self._emulator.database_token_rejection(
                resource_id, host=host, port=port, user=user, token=token
            )

        self.server = self._open.enter_context(
            PostgresServer(
                user=value["username"],
                password=value["password"],
                database=self._outputs["aurora_database_name"],
                verify_token=verify,
            )
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
