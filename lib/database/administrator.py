"""The function that migrates a database, and rotates the password of its master user."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cdktf import Fn, ITerraformDependable
from cdktf_cdktf_provider_aws.lambda_invocation import LambdaInvocation
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from cdktf_cdktf_provider_aws.secretsmanager_secret_rotation import (
    SecretsmanagerSecretRotation,
    SecretsmanagerSecretRotationRotationRules,
)
from constructs import Construct

from lib.compute.function import Function
from lib.context import Context
from lib.database.authorities import packaged_authorities
from lib.database.secret import PORT, DatabaseSecret
from lib.iam_policy import Statement
from lib.networking.network import Network
from lib.networking.security_group import HTTPS, SecurityGroup
from lib.suppressions import suppress

KIND = "database-administrator"
HANDLER = "database_administrator.handler"
TIMEOUT_SECONDS = 300
SECRET_ACTIONS = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
ROTATION_ACTIONS = ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage")


class DatabaseAdministrator(Construct):
    """Creates the function that acts as the master user of a database, and migrates its schema.

    Terraform invokes the function after the database exists, and again when `migrations` (the
    folder of the SQL files in `source`) change; `migrated` is that invocation, on which functions
    that use the schema depend. Secrets Manager invokes it every `rotation_days` days to rotate the
    password; 0 disables that. `database_id` is an attribute that differs in every new database.
    `ca_bundle` is that of `packaged_authorities`.
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
        rotation_days: int = 0,
        ca_bundle: str | Path | None = None,
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
            description="Administers the database as its master user",
            role_description="What the database administrator may do",
            statements=self._statements(network, secret, rotates=rotation_days > 0),
            environment={
                "DATABASE_HOST": host,
                "DATABASE_NAME": database_name,
                "DATABASE_SECRET_ARN": secret.arn,
                "ENVIRONMENT_SUFFIX": context.naming.suffix,
                "LOG_LEVEL": log_level,
                **({"DATABASE_CA_BUNDLE": ca_bundle} if isinstance(ca_bundle, str) else {}),
            },
            contents=packaged_authorities(ca_bundle, context.region),
            memory_mb=256,
            timeout_seconds=TIMEOUT_SECONDS,
            network=network,
            security_group_kind="administrator-security-group",
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
        secret.allow_value(self.role.arn)
        self._allow_through_endpoint(network, secret, rotates=rotation_days > 0)
        self.migrated = LambdaInvocation(
            self,
            "Migrations",
            function_name=self.function.function_name,
            input=Fn.jsonencode({"action": "migrate"}),
            # A replaced database has no schema.
            triggers={"database": database_id, "schema": _digest(source / migrations)},
            depends_on=[*secret.published, *rules, *depends_on],
        )
        if rotation_days and secret.managed:
            self._rotate(secret, rotation_days)

    def _rotate(self, secret: DatabaseSecret, days: int) -> None:
        permission = LambdaPermission(
            self,
            "AllowRotation",
            statement_id="AllowSecretsManager",
            function_name=self.function.function_name,
            action="lambda:InvokeFunction",
            principal="secretsmanager.amazonaws.com",
            source_account=self._context.account.id,
            source_arn=secret.arn,
        )
        SecretsmanagerSecretRotation(
            self,
            "Rotation",
            secret_id=secret.arn,
            rotation_lambda_arn=self.function.arn,
            rotation_rules=SecretsmanagerSecretRotationRotationRules(automatically_after_days=days),
            # Terraform has just set the password. Secrets Manager tests the function instead.
            rotate_immediately=False,
            depends_on=[permission, self.migrated],
        )

    def _statements(
        self, network: Network, secret: DatabaseSecret, *, rotates: bool
    ) -> list[Statement]:
        account, key = self._context.account, self._context.key
        endpoint = network.endpoint_id("secretsmanager")
        return [
            # Credentials of the role have no access to the secret outside the network.
            Statement(
                sid="UseMasterSecret",
                actions=SECRET_ACTIONS + (ROTATION_ACTIONS if rotates else ()),
                resources=(secret.arn,),
                conditions={"StringEquals": {"aws:SourceVpce": endpoint}} if endpoint else {},
            ),
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

    def _allow_through_endpoint(
        self, network: Network, secret: DatabaseSecret, *, rotates: bool
    ) -> None:
        network.allow_through(
            "secretsmanager",
            sid="DatabaseSecret",
            actions=SECRET_ACTIONS + (ROTATION_ACTIONS if rotates else ()),
            resources=(secret.arn,),
        )


def _digest(folder: Path) -> str:
    """A hash of the names and contents of the SQL files in a folder."""
    state = hashlib.sha256()
    for file in sorted(folder.glob("*.sql")):
        content = file.read_bytes()
        state.update(f"{file.name} {len(content)} ".encode() + content)
    return state.hexdigest()
