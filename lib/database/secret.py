"""The master password of a database, which is not in the Terraform state.

The password is an ephemeral value that exists only while Terraform runs, and write-only arguments
contain it, in the steps of a Secrets Manager rotation: the new password is stored with the staging
label AWSPENDING, read back, set on the database, and then published with host and port as
AWSCURRENT. After an interruption the next apply continues with the stored password. Readers of
AWSCURRENT receive a new password only when the database accepts it. The first version of a secret
is AWSCURRENT at once, without a host, so readers of the secret depend on `published`.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import re
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

from lib import terraform
from lib.context import Context
from lib.database.config import DatabaseConfig
from lib.suppressions import suppress

PORT = 5432
PASSWORD_LENGTH = 32


class DatabaseSecret(Construct):
    """Creates the secret with the master password of a database, or reads an existing secret.

    The value of the secret is `{"username", "password", "engine", "host", "port", "dbname"}`. A
    higher `password_version` creates and publishes a new password. `password` is a reference for
    write-only arguments; Terraform rejects it in other arguments.
    """

    def __init__(
        self, scope: Construct, id_: str, *, context: Context, config: DatabaseConfig
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        self.version = config.password_version
        context.key.allow_via_service("secretsmanager")
        self.published: list[ITerraformDependable] = []
        if config.existing_secret_arn:
            self.arn = config.existing_secret_arn
            self._secret = None
            self.password = self._read_back({"secret_id": self.arn})
            return
        terraform.configure_random(TerraformStack.of(self))
        self._secret = SecretsmanagerSecret(
            self,
            "Resource",
            # A deleted secret reserves its name during its recovery window, so the next deployment
            # of a fixed name fails.
            name_prefix=f"{context.name('database-secret')}-",
            description="Master user of the database, with host and port",
            kms_key_id=context.key.arn,
            recovery_window_in_days=config.secret_recovery_days,
            tags=context.name_tag("database-secret"),
        )
        suppress(
            self._secret,
            since="2026-11",
            reasons={"CKV2_AWS_57": "Terraform rotates the password if password_version is raised"},
        )
        self.arn = self._secret.arn
        pending = SecretsmanagerSecretVersion(
            self,
            "Pending",
            secret_id=self._secret.id,
            secret_string_wo=Fn.jsonencode(
                {"username": config.username, "password": self._generate()}
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
        """Store password, host and port as AWSCURRENT, after the database accepted the password.

        `host` is an attribute of the database, which makes the version depend on it. Terraform does
        not detect changes of write-only values: they are stored again with another version of the
        password, or when the attribute with the address `replace_with` changes.
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
                    "dbname": self._config.name,
                    "username": self._config.username,
                    "password": self.password,
                }
            ),
            secret_string_wo_version=self.version,
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[replace_with]),
        )
        self.published.append(current)

    def _generate(self) -> str:
        # RDS rejects / @ " and the space in a master password.
        return self._ephemeral(
            "random_password",
            "generated",
            {
                "length": PASSWORD_LENGTH,
                "override_special": "!#$%&*()-_=+[]{}<>:?",
                # Not required by RDS, but by common password policies.
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
        """Add an ephemeral block, for which the bindings have no class; return a reference."""
        name = f"{self._block_name()}_{name}"
        TerraformStack.of(self).add_override(f"ephemeral.{type_}.{name}", arguments)
        # A string is escaped inside a function's arguments; a local is a reference.
        local = TerraformLocal(self, attribute, f"${{ephemeral.{type_}.{name}.{attribute}}}")
        return local.as_string

    def _block_name(self) -> str:
        """The construct path in snake case without "Secret": `database` for `DatabaseSecret`."""
        path = self.node.path.split("/")[1:]
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", "_".join(path)).lower()
        return re.sub(r"\W", "_", words).removesuffix("_secret")
