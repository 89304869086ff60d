"""The substitute for hashicorp/random: passwords meet their constraints and are not stored."""

from __future__ import annotations

import json
import string

import pytest

from tools.emulator import Emulator
from tools.providers.random_standin import SPECIAL_CHARACTERS, generate_password, password_problems
from tools.terraform import TerraformError, Workspace

CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": SPECIAL_CHARACTERS,
}


@pytest.mark.parametrize("name", CLASSES)
def test_password_has_the_minimum_of_each_class(name: str) -> None:
    password = generate_password({"length": 12, f"min_{name}": 11})
    assert len(password) == 12
    assert sum(character in CLASSES[name] for character in password) >= 11


@pytest.mark.parametrize("name", CLASSES)
def test_disabled_class_does_not_occur(name: str) -> None:
    password = generate_password({"length": 500, name: False})
    assert not set(password) & set(CLASSES[name])


def test_special_characters_can_be_overridden() -> None:
    password = generate_password({"length": 500, "override_special": "!", "min_special": 1})
    assert set(password) <= set(string.ascii_letters + string.digits + "!")
    assert "!" in password


def test_passwords_are_unique() -> None:
    assert len({generate_password({"length": 20}) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"length": 0}, "length is 0"),
        ({"length": 3, "min_lower": 2, "min_upper": 2}, "together require 4"),
        (dict.fromkeys(CLASSES, False) | {"length": 8}, "must be true"),
    ],
)
def test_invalid_configurations_of_the_real_provider_are_rejected(
    config: dict[str, object], problem: str
) -> None:
    (message,) = password_problems(config)
    assert problem in message


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
