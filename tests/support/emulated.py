"""What tests of the emulator make in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.emulator import Emulator

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def role(emulator: Emulator, name: str, *statements: dict[str, Any], boundary: str = "") -> str:
    """Make a role with one inline policy; its ARN."""
    iam = emulator.client("iam")
    extra = {"PermissionsBoundary": boundary} if boundary else {}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **extra)
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(document))
    return str(made["Role"]["Arn"])


def allow(actions: list[str], resource: str, **condition: dict[str, str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition}


def refusal(call: Any, **arguments: Any) -> str:
    """The error code with which a call fails."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])
