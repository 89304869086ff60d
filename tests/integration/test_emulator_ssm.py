"""Authorization of Systems Manager parameters in the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.emulator_resources import allow, error_code, role
from tools.emulator import ACCOUNT_ID, Emulator

READ = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]


@pytest.fixture(scope="module")
def emulator(fresh_emulator: Emulator) -> Emulator:
    """An account with two String parameters and a SecureString with a customer managed key."""
    ssm = fresh_emulator.client("ssm")
    key = fresh_emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/one/text", Value="seen", Type="String")
    ssm.put_parameter(Name="/one/secret", Value="hidden", Type="SecureString", KeyId=key)
    ssm.put_parameter(Name="/other", Value="elsewhere", Type="String")
    return fresh_emulator


def reader(emulator: Emulator, name: str, *more: dict[str, Any]) -> Any:
    """Return a client with permission to read the path ``/one``."""
    prefix = f"arn:aws:ssm:us-east-1:{ACCOUNT_ID}:parameter/one"
    own = [allow(READ, resource) for resource in (prefix, f"{prefix}/*")]
    return emulator.client("ssm", role_arn=role(emulator, name, *own, *more))


def test_reading_a_parameter_requires_permission_for_its_arn(emulator: Emulator) -> None:
    ssm = reader(emulator, "of-one")
    assert ssm.get_parameter(Name="/one/text")["Parameter"]["Value"] == "seen"
    assert error_code(ssm.get_parameter, Name="/other") == "AccessDeniedException"
    both = ["/one/text", "/other"]
    assert error_code(ssm.get_parameters, Names=both) == "AccessDeniedException"
    assert len(ssm.get_parameters_by_path(Path="/one")["Parameters"]) == 2
    assert error_code(ssm.get_parameters_by_path, Path="/other") == "AccessDeniedException"


def test_decrypting_a_parameter_requires_permission_for_its_key(emulator: Emulator) -> None:
    keyless = reader(emulator, "without-key")
    secret = {"Name": "/one/secret", "WithDecryption": True}
    assert error_code(keyless.get_parameter, **secret) == "AccessDeniedException"
    assert keyless.get_parameter(Name="/one/secret")["Parameter"]["Value"] != "hidden"
    through = {"kms:ViaService": "ssm.us-east-1.amazonaws.com"}
    ssm = reader(emulator, "with-key", allow(["kms:Decrypt"], "*", StringEquals=through))
    assert ssm.get_parameter(**secret)["Parameter"]["Value"] == "hidden"
    by_path = {"Path": "/one", "WithDecryption": True}
    assert len(ssm.get_parameters_by_path(**by_path)["Parameters"]) == 2
    assert error_code(keyless.get_parameters_by_path, **by_path) == "AccessDeniedException"
    elsewhere = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    wrong = reader(emulator, "wrong-way", allow(["kms:Decrypt"], "*", StringEquals=elsewhere))
    assert error_code(wrong.get_parameter, **secret) == "AccessDeniedException"


def test_administrator_credentials_read_every_parameter(emulator: Emulator) -> None:
    found = emulator.client("ssm").get_parameters(
        Names=["/one/text", "/one/secret", "/other"], WithDecryption=True
    )
    assert {one["Value"] for one in found["Parameters"]} == {"seen", "hidden", "elsewhere"}
