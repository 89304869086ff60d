"""The stand-in for hashicorp/random: its passwords and its messages."""

from __future__ import annotations

import string
from typing import Any

import pytest
from tf.utils import read_dynamic_value, to_dynamic_value

from tools.providers import random_standin
from tools.providers.random_standin import SPECIAL_CHARACTERS, generate_password, password_problems

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


def request(**config: object) -> Any:
    names = [attribute.name for attribute in random_standin.PASSWORD_SCHEMA.attributes]
    message = random_standin._CLASS_OF["EphemeralRequest"](type_name="random_password")
    message.config.CopyFrom(to_dynamic_value(dict.fromkeys(names) | config))
    return message


def test_open_returns_a_password_with_the_defaults() -> None:
    response = random_standin._open(request(length=20), None)
    assert not response.diagnostics
    result = read_dynamic_value(response.result)
    assert len(result["result"]) == 20
    assert (result["special"], result["min_upper"], result["bcrypt_hash"]) == (True, 0, None)


def test_open_returns_a_diagnostic_for_an_invalid_configuration() -> None:
    response = random_standin._open(request(length=0), None)
    assert [one.detail for one in response.diagnostics] == ["length is 0; at least 1 is needed"]


def test_provider_has_only_the_ephemeral_resource() -> None:
    provider = random_standin.RandomStandIn()
    assert provider.full_name() == "registry.terraform.io/hashicorp/random"
    assert provider.get_model_prefix() == "random_"
    assert [provider.get_resources(), provider.get_data_sources(), provider.get_functions()] == [
        *([], [], [])
    ]
    schema = random_standin._Servicer(provider).GetProviderSchema(None, None)
    entries = random_standin._CLASS_OF["EphemeralSchemas"].FromString(schema.SerializeToString())
    assert [one.key for one in entries.ephemeral_resource_schemas] == ["random_password"]
