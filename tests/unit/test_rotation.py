"""Rotation of the master password of a PostgreSQL server, with a secret in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError

from database import Credentials, connect
from rotation import Rotation, generate_password, password_verifier
from tests.support.function_database import database_settings
from tools.postgres import PostgresServer

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Secret:
    """A Secrets Manager client with one secret, whose rotation has started."""

    class exceptions:  # noqa: N801
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self, value: dict[str, Any]) -> None:
        self.values = {"old": json.dumps(value)}
        self.labels = {"AWSCURRENT": "old", "AWSPENDING": "new"}

    def describe_secret(self, **_: str) -> dict[str, Any]:
        versions = {*self.labels.values()}
        return {
            "VersionIdsToStages": {
                version: [label for label, one in self.labels.items() if one == version]
                for version in versions
            }
        }

    def get_secret_value(self, *, VersionStage: str, **_: str) -> dict[str, str]:  # noqa: N803
        version = self.labels[VersionStage]
        if version not in self.values:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.values[version]}

    def put_secret_value(self, **given: Any) -> None:
        assert given["VersionStages"] == ["AWSPENDING"]
        self.values[given["ClientRequestToken"]] = given["SecretString"]

    def update_secret_version_stage(self, **given: str) -> None:
        assert self.labels[given["VersionStage"]] == given["RemoveFromVersionId"]
        self.labels[given["VersionStage"]] = given["MoveToVersionId"]

    def password(self, label: str) -> str:
        return str(json.loads(self.values[self.labels[label]])["password"])


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    yield postgres
    postgres.change_password(postgres.password)


@pytest.fixture
def secret(server: PostgresServer) -> Secret:
    # The address comes from the environment of the function.
    return Secret(server.secret() | {"host": "another.example"})


@pytest.fixture
def rotation(server: PostgresServer, secret: Secret) -> Rotation:
    address = {"host": server.host, "port": server.port, "dbname": server.database}
    return Rotation(
        secret, database_settings(server), address, secret_id="secret", version_id="new"
    )


def accepts(server: PostgresServer, password: str) -> bool:
    credentials = Credentials.parse(json.dumps(server.secret() | {"password": password}))
    try:
        connect(database_settings(server), credentials).close()
    except DatabaseError:
        return False
    return True


def test_rotation_changes_the_password(
    server: PostgresServer, secret: Secret, rotation: Rotation
) -> None:
    assert [rotation.perform(step) for step in STEPS] == [True] * 4
    assert secret.labels == {"AWSCURRENT": "new", "AWSPENDING": "new"}
    changed = secret.password("AWSCURRENT")
    assert changed != server.password
    assert accepts(server, changed)
    assert not accepts(server, server.password)
    kept = json.loads(secret.values["new"]) | {"password": server.password}
    assert kept == json.loads(secret.values["old"])


def test_repeated_steps_continue_with_the_same_password(
    server: PostgresServer, secret: Secret, rotation: Rotation
) -> None:
    assert rotation.perform("createSecret")
    pending = secret.password("AWSPENDING")
    assert accepts(server, server.password), "the database still has the current password"
    assert [rotation.perform(step) for step in ("createSecret", "setSecret")] == [False, True]
    assert [rotation.perform(step) for step in STEPS] == [False, False, True, True]
    assert [rotation.perform(step) for step in STEPS] == [False] * 4
    assert secret.password("AWSCURRENT") == pending


def test_password_is_not_in_the_log_of_the_server(
    server: PostgresServer, secret: Secret, rotation: Rotation
) -> None:
    server.query("ALTER DATABASE tap SET log_statement = 'ddl'")
    try:
        for step in STEPS:
            rotation.perform(step)
    finally:
        server.query("ALTER DATABASE tap RESET log_statement")
    assert "ALTER ROLE" in server.log
    assert secret.password("AWSCURRENT") not in server.log


def test_test_fails_before_the_password_is_set(secret: Secret, rotation: Rotation) -> None:
    rotation.perform("createSecret")
    with pytest.raises(DatabaseError, match="28P01"):
        rotation.perform("testSecret")
    assert secret.labels["AWSCURRENT"] == "old"


def test_version_without_a_label_and_unknown_step_are_rejected(
    secret: Secret, rotation: Rotation
) -> None:
    with pytest.raises(ValueError, match=r"Step: received 'other'; accepted: createSecret, "):
        rotation.perform("other")
    secret.labels["AWSPENDING"] = "other"
    with pytest.raises(ValueError, match="ClientRequestToken: received a version with the labels"):
        rotation.perform("createSecret")


def test_generated_passwords_are_accepted_by_rds() -> None:
    passwords = {generate_password() for _ in range(50)}
    assert len(passwords) == 50
    for password in passwords:
        assert len(password) == 32
        assert password.isascii()
        assert not set(password) & set("/@\"' \\")
        assert any(map(str.islower, password))
        assert any(map(str.isupper, password))
        assert any(map(str.isdigit, password))


def test_verifier_is_that_of_postgresql(server: PostgresServer) -> None:
    server.query(f"ALTER ROLE \"{server.user}\" PASSWORD '{password_verifier('a new password')}'")
    assert accepts(server, "a new password")
    assert not accepts(server, "another password")
