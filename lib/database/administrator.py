"""The function that migrates a database, and rotates the password of its master user."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cdktf import Fn, ITerraformDependable
from cdktf_cdktf_provider_aws.lambda_invocation import LambdaInvocation
from constructs import Construct

from lib.compute.function import Function
from lib.context import Context
from lib.database.secret import PORT, DatabaseSecret
from lib.iam_policy import Statement
from lib.networking.network import Network
from lib.networking.security_group import HTTPS, SecurityGroup
from lib.suppressions import suppress

KIND = "database-administrator"
HANDLER = "database_administrator.handler"
TIMEOUT_SECONDS = 300
SECRET_ACTIONS = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")


class DatabaseAdministrator(Construct):
    """Creates the function that acts as the master user of a database, and migrates its schema.

    Terraform invokes the function after the database exists, and again when `migrations` (the
    folder of the SQL files in `source`) change; `migrated` is that invocation, on which functions
    that use the schema depend. `database_id` is an attribute that differs in every new database.
    Guarantee: of the roles that this construct library creates, only
    the role of this function reads the secret.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        database_id: str,
        database_name: str,
        host: str,
        database_security_group: SecurityGroup,
        secret: DatabaseSecret,
        source: Path,
        migrations: str = "sql",
        ca_bundle: str | None = None,
        log_level: str = "INFO",
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._context = context
        administrator = self.administrator = Function(
            self,
            "Default",
            context=context,
            kind=KIND,
            source=source,
            handler=HANDLER,
            description="Migrates the schema of the database as its master user",
            role_description="What the database administrator may do",
            statements=self._statements(secret),
            environment={
                "DATABASE_HOST": host,
                "DATABASE_NAME": database_name,
                "DATABASE_SECRET_ARN": secret.arn,
                "ENVIRONMENT_SUFFIX": context.naming.suffix,
                "LOG_LEVEL": log_level,
                **({"DATABASE_CA_BUNDLE": ca_bundle} if ca_bundle else {}),
            },
            memory_mb=256,
            timeout_seconds=TIMEOUT_SECONDS,
            network=network,
            security_group_kind=f"{KIND}-security-group",
            security_group_purpose="The database administrator; nothing comes in",
        )
        self.function, self.role = administrator.function, administrator.role
        suppress(
            self.function,
            since="2026-11",
            reasons={
                "CKV_AWS_116": "It is invoked synchronously: errors are returned to the caller",
            },
        )
        rules = self._allow_connections(administrator, network, database_security_group)
        self._allow_through_endpoint(network, secret)
        self.migrated = LambdaInvocation(
            self,
            "Migrations",
            function_name=self.function.function_name,
            input=Fn.jsonencode({"action": "migrate"}),
            # A replaced database has no schema.
            triggers={"database": database_id, "schema": _digest(source / migrations)},
            depends_on=[*secret.published, *rules, *depends_on],
        )

    def _statements(self, secret: DatabaseSecret) -> list[Statement]:
        account, key = self._context.account, self._context.key
        return [
            Statement(sid="ReadMasterSecret", actions=SECRET_ACTIONS, resources=(secret.arn,)),
            Statement(
                sid="UseKey",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(key.arn,),
                conditions={
                    "StringEquals": {"kms:ViaService": account.via_services("secretsmanager")}
                },
            ),
        ]

    def _allow_connections(
        self, administrator: Function, network: Network, database: SecurityGroup
    ) -> list[ITerraformDependable]:
        group = administrator.security_group
        if group is None:
            raise AssertionError("a function in a network has a security group")
        self.security_group = group
        return [
            *group.allow_to_group(database, PORT, "Migrations to PostgreSQL", source=self.node.id),
            *group.allow_to_group(
                network.endpoints_security_group, HTTPS, "Secrets Manager", source=self.node.id
            ),
        ]

    def _allow_through_endpoint(self, network: Network, secret: DatabaseSecret) -> None:
        network.allow_through(
            "secretsmanager",
            sid="DatabaseSecret",
            actions=SECRET_ACTIONS,
            resources=(secret.arn,),
        )


def _digest(folder: Path) -> str:
    """A hash of the names and contents of the SQL files in a folder."""
    state = hashlib.sha256()
    for file in sorted(folder.glob("*.sql")):
        content = file.read_bytes()
        state.update(f"{file.name} {len(content)} ".encode() + content)
    return state.hexdigest()
