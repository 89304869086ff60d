"""Rotation of the master password of the database, in the four steps of Secrets Manager.

The new password exists as AWSPENDING before the database has it, and becomes AWSCURRENT after a
successful connection with it; an interrupted rotation is repeated with the same password.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import base64
import hashlib
import hmac
import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from database import (
    DATABASE_ERRORS,
    Credentials,
    DatabaseSettings,
    connect,
    is_authentication_error,
)

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

# RDS rejects / @ " and the space in a master password.
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#$%&*()-_=+[]{}<>:?")
_LENGTH = 32
_ITERATIONS = 4096
_SALT_BYTES = 16


class Rotation:
    """One rotation: the version `version_id` of a secret replaces its current version."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401
        settings: DatabaseSettings,
        address: Mapping[str, object],
        *,
        secret_id: str,
        version_id: str,
    ) -> None:
        self._client, self._settings, self._address = client, settings, address
        self._secret_id, self._version_id = secret_id, version_id

    def perform(self, step: str) -> bool:
        """Perform one step; returns False if nothing remains to be done.

        Raises `ValueError` for an unknown step or a version that is not pending.
        """
        steps = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        if step not in steps:
            raise ValueError(f"Step: received {step!r}; accepted: {', '.join(steps)}")
        stages = self._stages().get(self._version_id, [])
        if CURRENT in stages:
            return False
        if PENDING not in stages:
            raise ValueError(
                f"ClientRequestToken: received a version with the labels {stages};"
                f" accepted: a version with the label {PENDING}"
            )
        return steps[step]()

    def _create(self) -> bool:
        try:
            self._read(PENDING)
        except self._client.exceptions.ResourceNotFoundException:
            value = json.loads(self._read(CURRENT)) | {"password": generate_password()}
            self._client.put_secret_value(
                SecretId=self._secret_id,
                ClientRequestToken=self._version_id,
                SecretString=json.dumps(value),
                VersionStages=[PENDING],
            )
            return True
        return False

    def _set(self) -> bool:
        pending = self._credentials(PENDING)
        if self._accepts(pending):
            return False
        connection = connect(self._settings, self._credentials(CURRENT))
        try:
            # The verifier and not the password: statements of this kind are logged. A role name
            # and a verifier cannot be parameters of the statement.
            name = pending.user.replace('"', '""')
            verifier = password_verifier(pending.password)
            connection.run(f"ALTER ROLE \"{name}\" PASSWORD '{verifier}'")
        finally:
            connection.close()
        return True

    def _test(self) -> bool:
        connection = connect(self._settings, self._credentials(PENDING))
        try:
            connection.run("SELECT 1")
        finally:
            connection.close()
        return True

    def _finish(self) -> bool:
        current = [version for version, labels in self._stages().items() if CURRENT in labels]
        self._client.update_secret_version_stage(
            SecretId=self._secret_id,
            VersionStage=CURRENT,
            MoveToVersionId=self._version_id,
            RemoveFromVersionId=current[0],
        )
        return True

    def _accepts(self, credentials: Credentials) -> bool:
        try:
            connect(self._settings, credentials).close()
        except DATABASE_ERRORS as error:
            if not is_authentication_error(error):
                raise
            return False
        return True

    def _credentials(self, stage: str) -> Credentials:
        return Credentials.parse(self._read(stage), self._address)

    def _stages(self) -> dict[str, list[str]]:
        described = self._client.describe_secret(SecretId=self._secret_id)
        return dict(described.get("VersionIdsToStages", {}))

    def _read(self, stage: str) -> str:
        arguments = {"SecretId": self._secret_id, "VersionStage": stage}
        if stage == PENDING:
            arguments["VersionId"] = self._version_id
        return str(self._client.get_secret_value(**arguments)["SecretString"])


def generate_password() -> str:
    """Return a random password with characters of each kind that RDS accepts."""
    while True:
        password = "".join(secrets.choice("".join(_KINDS)) for _ in range(_LENGTH))
        if all(any(one in kind for one in password) for kind in _KINDS):
            return password


def password_verifier(password: str) -> str:
    """Return the SCRAM-SHA-256 verifier that PostgreSQL stores for an ASCII password.

    https://www.rfc-editor.org/rfc/rfc5803
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(one).decode() for one in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
