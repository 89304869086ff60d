"""Databases: the master password, which never lies in Terraform's state.

The password is an ephemeral value that exists only while Terraform runs. It goes where it is needed
by write-only arguments, along the steps of Secrets Manager's own rotation: the new password is
stored under the label AWSPENDING, read back, set on the database, and only then published with host
and port under AWSCURRENT. Interrupted anywhere, the next apply goes on with the stored password
instead of making up another; readers of AWSCURRENT see a new password only when the database knows
it. A secret's very first version is AWSCURRENT at once, without host, so what reads the secret is
made after `published`.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from typing import Any

from cdktf import (
    Fn,
    ITerraformDependable,
    TerraformLocal,
    TerraformResourceLifecycle,
    TerraformStack,
)
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from cdktf_cdktf_provider_aws.secretsmanager_secret_version import SecretsmanagerSecretVersion
from constructs import Construct

from lib.context import Foundation
from lib.settings import DatabaseFields
from lib.suppressions import suppress

PORT = 5432
PASSWORD_LENGTH = 32


class DatabaseSecret(Construct):
    """Creates the secret with the master password, or reads an existing one.

    The secret's value is `{"username", "password", "engine", "host", "port", "dbname"}`. Raising
    the setting `password_version` makes and publishes a new password. `password` is a
    reference for write-only arguments alone; Terraform refuses it anywhere else.
    """

    def __init__(
        self, scope: Construct, id_: str, *, foundation: Foundation, database: DatabaseFields
    ) -> None:
        super().__init__(scope, id_)
        settings = foundation.settings
        self._database = database
        self.version = database.password_version
        self.published: list[ITerraformDependable] = []
        if database.existing_secret_arn:
            self.arn = database.existing_secret_arn
            self._secret = None
            self.password = self._read_back({"secret_id": self.arn})
            return
        self._secret = SecretsmanagerSecret(
            self,
            "Resource",
            # A deleted secret keeps its name for the days of its recovery window, so a fixed name
            # would make the next deployment fail.
            name_prefix=f"{settings.name('database-secret')}-",
            description="Master user of the database, with host and port",
            kms_key_id=foundation.key.arn,
            recovery_window_in_days=database.secret_recovery_days,
            tags=settings.name_tag("database-secret"),
        )
        suppress(
            self._secret,
            since="2026-11",
            reasons={"CKV2_AWS_57": "Rotated by Terraform: the setting password_version is raised"},
        )
        self.arn = self._secret.arn
        pending = SecretsmanagerSecretVersion(
            self,
            "Pending",
            secret_id=self._secret.id,
            secret_string_wo=Fn.jsonencode(
                {"username": database.username, "password": self._generate()}
            ),
            secret_string_wo_version=self.version,
            version_stages=["AWSPENDING"],
            # Secrets Manager itself moves AWSCURRENT and AWSPREVIOUS between versions.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["version_stages"]),
        )
        self.password = self._read_back(
            {"secret_id": self._secret.id, "version_id": pending.version_id}
        )

    def publish(self, host: str, *, replace_with: str) -> None:
        """Store password, host and port under AWSCURRENT, after the database took the password.

        `host` is an attribute of that database, so that this waits for it. Terraform cannot see
        that the other fields have changed: they are stored again with another version of the
        password, or where the attribute whose address is `replace_with` changes.
        """
        if self._secret is None:
            return
        current = SecretsmanagerSecretVersion(
            self,
            "Current",
            secret_id=self._secret.id,
            secret_string_wo=Fn.jsonencode(
                {
                    "engine": "postgres",
                    "host": host,
                    "port": PORT,
                    "dbname": self._database.name,
                    "username": self._database.username,
                    "password": self.password,
                }
            ),
            secret_string_wo_version=self.version,
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[replace_with]),
        )
        self.published.append(current)

    def _generate(self) -> str:
        # RDS refuses / @ " and the space in a master password.
        return self._ephemeral(
            "random_password",
            "generated",
            {
                "length": PASSWORD_LENGTH,
                "override_special": "!#$%&*()-_=+[]{}<>:?",
                # RDS asks for none of it, auditors do.
                **{f"min_{kind}": 1 for kind in ("lower", "upper", "numeric", "special")},
            },
            "result",
        )

    def _read_back(self, arguments: dict[str, Any]) -> str:
        secret = self._ephemeral(
            "aws_secretsmanager_secret_version", "stored", arguments, "secret_string"
        )
        value: str = Fn.lookup(Fn.jsondecode(secret), "password")
        return value

    def _ephemeral(self, type_: str, name: str, arguments: dict[str, Any], attribute: str) -> str:
        """Declare an ephemeral block, for which the bindings have no class; return a reference."""
        name = f"database_{name}"
        TerraformStack.of(self).add_override(f"ephemeral.{type_}.{name}", arguments)
        # A plain string would be escaped inside a function's arguments; a local is a reference.
        local = TerraformLocal(self, attribute, f"${{ephemeral.{type_}.{name}.{attribute}}}")
        return local.as_string
