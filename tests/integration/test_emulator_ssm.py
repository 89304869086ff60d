"""Parameters of the emulator, where moto does otherwise than AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.emulated import allow, refusal, role
from tools.emulator import ACCOUNT_ID, Emulator

READ = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]


@pytest.fixture(scope="module")
def mine(fresh_emulator: Emulator) -> Emulator:
    """An account with a text, a secret under a key of its own, and another text."""
    ssm = fresh_emulator.client("ssm")
    key = fresh_emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/one/text", Value="seen", Type="String")
    ssm.put_parameter(Name="/one/secret", Value="hidden", Type="SecureString", KeyId=key)
    ssm.put_parameter(Name="/other", Value="elsewhere", Type="String")
    return fresh_emulator


def reader(mine: Emulator, name: str, *more: dict[str, Any]) -> Any:
    """A client that may read ``/one`` and everything under it."""
    prefix = f"arn:aws:ssm:us-east-1:{ACCOUNT_ID}:parameter/one"
    own = [allow(READ, resource) for resource in (prefix, f"{prefix}/*")]
    return mine.client("ssm", role_arn=role(mine, name, *own, *more))


def test_a_parameter_is_read_by_whoever_may_read_that_one(mine: Emulator) -> None:
    ssm = reader(mine, "of-one")
    assert ssm.get_parameter(Name="/one/text")["Parameter"]["Value"] == "seen"
    assert refusal(ssm.get_parameter, Name="/other") == "AccessDeniedException"
    both = ["/one/text", "/other"]
    assert refusal(ssm.get_parameters, Names=both) == "AccessDeniedException"
    assert len(ssm.get_parameters_by_path(Path="/one")["Parameters"]) == 2
    assert refusal(ssm.get_parameters_by_path, Path="/other") == "AccessDeniedException"


def test_a_secret_is_decrypted_by_whoever_may_use_its_key(mine: Emulator) -> None:
    keyless = reader(mine, "without-key")
    secret = {"Name": "/one/secret", "WithDecryption": True}
    assert refusal(keyless.get_parameter, **secret) == "AccessDeniedException"
    assert keyless.get_parameter(Name="/one/secret")["Parameter"]["Value"] != "hidden"
    through = {"kms:ViaService": "ssm.us-east-1.amazonaws.com"}
    ssm = reader(mine, "with-key", allow(["kms:Decrypt"], "*", StringEquals=through))
    assert ssm.get_parameter(**secret)["Parameter"]["Value"] == "hidden"
    by_path = {"Path": "/one", "WithDecryption": True}
    assert len(ssm.get_parameters_by_path(**by_path)["Parameters"]) == 2
    assert refusal(keyless.get_parameters_by_path, **by_path) == "AccessDeniedException"
    elsewhere = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    wrong = reader(mine, "wrong-way", allow(["kms:Decrypt"], "*", StringEquals=elsewhere))
    assert refusal(wrong.get_parameter, **secret) == "AccessDeniedException"


def test_keys_that_were_not_issued_may_do_everything(mine: Emulator) -> None:
    found = mine.client("ssm").get_parameters(
        Names=["/one/text", "/one/secret", "/other"], WithDecryption=True
    )
    assert {one["Value"] for one in found["Parameters"]} == {"seen", "hidden", "elsewhere"}
