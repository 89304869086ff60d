"""The function that migrates the database of TapStack as its master user."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lib.compute.packaging import PROJECT
from lib.database.administrator import _digest
from lib.iam_policy import Decision, Request, evaluate
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template

PATH = "DatabaseAdministrator"


@pytest.fixture(scope="module")
def function(tap: Template) -> Resource:
    return tap.get("aws_lambda_function", PATH)


@pytest.fixture(scope="module")
def invocation(tap: Template) -> Resource:
    return tap.get("aws_lambda_invocation", f"{PATH}/Migrations")


def test_function_runs_the_handler_of_the_administrator(tap: Template, function: Resource) -> None:
    assert function["function_name"] == "database-administrator-unit"
    assert function["handler"] == "database_administrator.handler"
    assert (PROJECT / "lambda" / "database_administrator.py").is_file()
    cluster = tap.get("aws_rds_cluster")
    assert function["environment"]["variables"] == {
        "DATABASE_HOST": cluster.ref("endpoint"),
        "DATABASE_NAME": cluster.ref("database_name"),
        "DATABASE_SECRET_ARN": tap.get("aws_secretsmanager_secret").ref("arn"),
        "ENVIRONMENT_SUFFIX": "unit",
        "LOG_LEVEL": "INFO",
    }


def test_only_the_administrator_has_permissions_for_the_secret(tap: Template) -> None:
    roles = [
        policy.path
        for policy in tap.of_type("aws_iam_role_policy")
        if "secretsmanager:" in json.dumps(policy.statements())
    ]
    assert roles == [f"{PATH}/Role/Policy"]


def test_role_uses_the_secret_through_the_endpoint_only(tap: Template) -> None:
    statements = tap.get("aws_iam_role_policy", f"{PATH}/Role/Policy").statements()
    used = statements["UseMasterSecret"]
    assert used["Resource"] == tap.get("aws_secretsmanager_secret").ref("arn")
    endpoint = tap.get("aws_vpc_endpoint", "Network/SecretsmanagerEndpoint")
    assert used["Condition"] == {"StringEquals": {"aws:SourceVpce": endpoint.ref("id")}}


def test_password_is_rotated_every_ninety_days(tap: Template, function: Resource) -> None:
    secret, rotation = (
        tap.get("aws_secretsmanager_secret"),
        tap.get("aws_secretsmanager_secret_rotation"),
    )
    assert rotation["secret_id"] == secret.ref("arn")
    assert rotation["rotation_lambda_arn"] == function.ref("arn")
    assert rotation["rotation_rules"] == {"automatically_after_days": 90}
    assert rotation["rotate_immediately"] is False
    permission = tap.get("aws_lambda_permission", f"{PATH}/AllowRotation")
    assert permission["principal"] == "secretsmanager.amazonaws.com"
    assert permission["source_account"] == tap.account_id
    assert permission["source_arn"] == secret.ref("arn")
    assert {permission.address, tap.get("aws_lambda_invocation").address} <= {
        *rotation["depends_on"]
    }


def test_rotation_can_be_disabled(synth: Synthesizer) -> None:
    template = synth("tap", TAP_DATABASE_ROTATION_DAYS="0")
    template.assert_none("aws_secretsmanager_secret_rotation")
    statements = template.get("aws_iam_role_policy", f"{PATH}/Role/Policy").statements()
    assert statements["UseMasterSecret"]["Action"] == [
        *("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    ]


def test_versions_of_terraform_keep_labels_of_their_own(tap: Template) -> None:
    """Secrets Manager deletes versions without labels; AWSPENDING would block rotations."""
    labels = {
        one.path: one["version_stages"] for one in tap.of_type("aws_secretsmanager_secret_version")
    }
    assert labels == {
        "DatabaseSecret/Pending": ["TERRAFORM_STORED"],
        "DatabaseSecret/Current": ["AWSCURRENT", "TERRAFORM_PUBLISHED"],
    }
    for one in tap.of_type("aws_secretsmanager_secret_version"):
        assert one["lifecycle"]["ignore_changes"] == ["version_stages"]


def decision(template: Template, principal: str, action: str, **context: str) -> Decision:
    resource = template.get("aws_secretsmanager_secret_policy")
    assert resource["block_public_policy"] is True
    text = resource["policy"].replace(template.account_id, "123456789012")
    role = template.get("aws_iam_role", f"{PATH}/Role").ref("arn")
    text = text.replace(role, ADMINISTRATOR)
    keys = {
        "aws:PrincipalArn": principal,
        "aws:PrincipalAccount": principal.split(":")[4],
        "aws:PrincipalIsAWSService": "false",
        "aws:SecureTransport": "true",
    }
    return evaluate([text], Request(action, "arn:secret", principal, keys | context))


ADMINISTRATOR = "arn:aws:iam::123456789012:role/database-administrator-role-unit"
DEPLOYER = "arn:aws:iam::123456789012:role/deployer"
READ, DELETE = "secretsmanager:GetSecretValue", "secretsmanager:DeleteResourcePolicy"


def test_policy_denies_other_accounts_and_plain_http(tap: Template) -> None:
    other = DEPLOYER.replace("123456789012", "210987654321")
    assert decision(tap, other, READ) is Decision.DENY
    assert decision(tap, DEPLOYER, READ, **{"aws:SecureTransport": "false"}) is Decision.DENY
    for principal in (DEPLOYER, ADMINISTRATOR):
        assert decision(tap, principal, READ) is Decision.IMPLICIT_DENY, "identity policies decide"


def test_policy_denies_the_value_to_principals_that_are_not_named(synth: Synthesizer) -> None:
    template = synth("tap", TAP_DATABASE_SECRET_PRINCIPALS="arn:aws:iam::123456789012:role/deploy*")
    root = "arn:aws:iam::123456789012:root"
    for principal in (DEPLOYER, ADMINISTRATOR, root):
        assert decision(template, principal, READ) is Decision.IMPLICIT_DENY, principal
    other = "arn:aws:iam::123456789012:role/other"
    assert decision(template, other, READ) is Decision.DENY
    # The policy itself can be removed.
    assert decision(template, other, DELETE) is Decision.IMPLICIT_DENY


def test_migrations_follow_the_writer_the_secret_and_the_network(
    tap: Template, invocation: Resource
) -> None:
    writer = tap.get("aws_rds_cluster_instance", "Database/Writer")
    current = tap.get("aws_secretsmanager_secret_version", "DatabaseSecret/Current")
    rules = [
        *tap.of_type("aws_vpc_security_group_egress_rule"),
        *tap.of_type("aws_vpc_security_group_ingress_rule"),
    ]
    own = [rule for rule in rules if PATH in rule.path]
    assert len(own) == 4
    expected = {one.address for one in (writer, current, *own)}
    assert expected <= {*invocation["depends_on"]}


def test_migrations_are_repeated_for_another_schema_or_database(
    tap: Template, invocation: Resource
) -> None:
    assert invocation["input"] == '${jsonencode({"action" = "migrate"})}'
    assert invocation["triggers"] == {
        "database": tap.get("aws_rds_cluster").ref("cluster_resource_id"),
        "schema": _digest(PROJECT / "lambda" / "sql"),
    }


def test_digest_depends_on_names_and_contents(tmp_path: Path) -> None:
    def digest(**files: str) -> str:
        for old in tmp_path.iterdir():
            old.unlink()
        for name, text in files.items():
            (tmp_path / f"{name}.sql").write_text(text)
        return _digest(tmp_path)

    values = [digest(a="1"), digest(a="2"), digest(b="1"), digest(a="1", b="")]
    assert len({*values, hashlib.sha256().hexdigest()}) == len(values) + 1
    assert digest(a="1") == values[0]
