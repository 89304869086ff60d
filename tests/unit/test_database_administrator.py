"""The function that migrates the database of TapStack as its master user."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lib.compute.packaging import PROJECT
from lib.database.administrator import _digest
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
