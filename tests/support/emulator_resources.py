"""Roles and policy statements for tests of the emulator."""

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
    """Create a role with one inline policy and return its ARN."""
    iam = emulator.client("iam")
    extra = {"PermissionsBoundary": boundary} if boundary else {}
    created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **extra)
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(document))
    return str(created["Role"]["Arn"])


def allow(actions: list[str], resource: str, **condition: dict[str, str]) -> dict[str, Any]:
    """Return a statement that allows actions on a resource under conditions."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition}


def error_code(call: Any, **arguments: Any) -> str:
    """Call an API operation that must fail, and return the error code."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])
