"""The substitute for hashicorp/random: passwords meet their constraints and are not stored."""

from __future__ import annotations

import json

import pytest

from tools.emulator import Emulator
from tools.terraform import TerraformError, Workspace


def configuration(length: int) -> str:
    return json.dumps(
        {
            "terraform": {
                "required_providers": {
                    "aws": {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"},
                    "random": {"source": "hashicorp/random", "version": ">= 3.7.0, < 4.0.0"},
                }
            },
            "ephemeral": {
                "random_password": {"one": {"length": length, "special": False, "min_upper": 5}}
            },
            "resource": {
                "aws_secretsmanager_secret": {"one": {"name": f"standin-{length}"}},
                "aws_secretsmanager_secret_version": {
                    "one": {
                        "secret_id": "${aws_secretsmanager_secret.one.id}",
                        "secret_string_wo": "${ephemeral.random_password.one.result}",
                        "secret_string_wo_version": 1,
                    }
                },
            },
        }
    )


def test_terraform_stores_no_password(fresh_emulator: Emulator, workspace: Workspace) -> None:
    (workspace.folder / "main.tf.json").write_text(configuration(40))
    workspace.init()
    output = workspace.apply()
    secrets = fresh_emulator.client("secretsmanager")
    password = secrets.get_secret_value(SecretId="standin-40")["SecretString"]
    assert len(password) == 40
    assert password.isalnum()
    assert sum(character.isupper() for character in password) >= 5
    assert workspace.plan() is None, "a new password must not show as a change"
    for file in workspace.folder.glob("*tfstate*"):
        assert password not in file.read_text()
    assert password not in output


def test_terraform_rejects_an_impossible_password(workspace: Workspace) -> None:
    (workspace.folder / "main.tf.json").write_text(configuration(4))
    workspace.init()
    with pytest.raises(TerraformError, match="length"):
        workspace.validate()
