"""Secret, resource policy and rotation of TapStack, applied by Terraform without the database.

The resources are those of the synthesized stack; the references to the database and to the function
are replaced, because only the secret is deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import refused
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tools.emulator import Emulator
from tools.terraform import Workspace

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
PRINCIPALS = "arn:aws:iam::123456789012:user/*"


def secret_only(template: Template, function_arn: str) -> dict[str, Any]:
    """The document with the secret, its versions, its policy and its rotation."""
    document: dict[str, Any] = json.loads(json.dumps(template.document))
    kept = {
        kind: found
        for kind, found in document["resource"].items()
        if kind.startswith("aws_secretsmanager_")
    }
    key, cluster, role, function = (
        template.get(kind, path)
        for kind, path in (
            ("aws_kms_key", "Key"),
            ("aws_rds_cluster", "Database"),
            ("aws_iam_role", "DatabaseAdministrator/Role"),
            ("aws_lambda_function", "DatabaseAdministrator"),
        )
    )
    text = json.dumps(kept)
    for reference, value in (
        (function.ref("arn"), function_arn),
        (role.ref("arn"), "arn:aws:iam::123456789012:role/administrator"),
        (cluster.ref("endpoint")[2:-1], json.dumps('"aurora.example"')[1:-1]),
    ):
        text = text.replace(reference, value)
    resources = json.loads(text)
    for found in resources.values():
        for one in found.values():
            one.pop("depends_on", None)
            one.get("lifecycle", {}).pop("replace_triggered_by", None)
            if one.get("kms_key_id") == key.ref("arn"):
                del one["kms_key_id"]
    del document["terraform"]["backend"], document["output"]
    document["resource"] = resources
    document["data"] = {"aws_caller_identity": document["data"]["aws_caller_identity"]}
    return document


@pytest.fixture
def deployed(
    synth: Synthesizer, fresh_emulator: Emulator, workspace: Workspace
) -> Iterator[Workspace]:
    fresh_emulator.client("iam").create_role(
        RoleName="administrator", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    created = fresh_emulator.client("lambda").create_function(
        FunctionName="administrator",
        Runtime="python3.11",
        Role="arn:aws:iam::123456789012:role/administrator",
        Handler="a.b",
        Code={"ZipFile": b"code"},
    )
    template = synth("tap", TAP_DATABASE_SECRET_PRINCIPALS=PRINCIPALS)
    document = secret_only(template, created["FunctionArn"])
    (Path(workspace.folder) / "cdk.tf.json").write_text(json.dumps(document))
    workspace.init()
    workspace.apply()
    yield workspace
    workspace.destroy()


def test_plan_is_empty_after_a_rotation(deployed: Workspace, fresh_emulator: Emulator) -> None:
    assert deployed.plan() is None
    secrets = fresh_emulator.client("secretsmanager")
    (secret,) = secrets.list_secrets()["SecretList"]
    assert secret["RotationEnabled"] is True
    assert secret["RotationRules"]["AutomaticallyAfterDays"] == 90
    before = json.loads(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])
    for number in range(3):
        secrets.rotate_secret(SecretId=secret["ARN"])
        events = fresh_emulator.invocation_events(secret["RotationLambdaARN"])
        assert [one["Step"] for one in events] == [
            *("createSecret", "setSecret", "testSecret", "finishSecret")
        ]
        rotate(secrets, events[0], before | {"password": f"rotated-{number}"})
    current = json.loads(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])
    assert current == before | {"password": "rotated-2"}
    # Versions without labels, which Secrets Manager deletes, are none of Terraform's.
    unlabelled = fresh_emulator.client("secretsmanager").list_secret_version_ids(
        SecretId=secret["ARN"], IncludeDeprecated=True
    )["Versions"]
    labels = {label for one in unlabelled for label in one.get("VersionStages", [])}
    assert {"TERRAFORM_STORED", "TERRAFORM_PUBLISHED"} <= labels
    assert deployed.plan() is None
    deployed.apply()
    assert json.loads(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]) == current


def rotate(secrets: Any, event: dict[str, str], value: dict[str, Any]) -> None:
    """Perform the calls of a rotation, as the function does."""
    secret, version = event["SecretId"], event["ClientRequestToken"]
    former = secrets.get_secret_value(SecretId=secret)["VersionId"]
    secrets.put_secret_value(
        SecretId=secret,
        ClientRequestToken=version,
        SecretString=json.dumps(value),
        VersionStages=["AWSPENDING"],
    )
    secrets.update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=former,
    )


def test_policy_of_the_secret_applies(deployed: Workspace, fresh_emulator: Emulator) -> None:
    (secret,) = fresh_emulator.client("secretsmanager").list_secrets()["SecretList"]
    arn = {"SecretId": secret["ARN"]}

    def client(**keys: str) -> Any:
        return fresh_emulator.client("secretsmanager", condition_keys=keys)

    assert not refused(client().get_secret_value, **arn)
    assert refused(client(**{"aws:SecureTransport": "false"}).get_secret_value, **arn)
    assert refused(client(**{"aws:PrincipalAccount": "210987654321"}).get_secret_value, **arn)
    other = {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/other"}
    assert refused(client(**other).get_secret_value, **arn)
    assert not refused(client(**other).describe_secret, **arn)
