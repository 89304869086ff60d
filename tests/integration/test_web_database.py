"""The deployed PostgreSQL instance of the web application, and its parameters in SSM."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.integration.conftest import Environment, refused


@pytest.fixture(scope="module")
def instance(web: Environment) -> dict[str, Any]:
    identifier = web.outputs["database_endpoint"].partition(".")[0]
    answer = web.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)
    (found,) = answer["DBInstances"]
    return dict(found)


def secret_value(web: Environment) -> dict[str, Any]:
    answer = web.client("secretsmanager").get_secret_value(
        SecretId=web.outputs["database_secret_arn"]
    )
    loaded: dict[str, Any] = json.loads(answer["SecretString"])
    return loaded


def parameter(client: Any, web: Environment, name: str) -> str:
    path = f"{web.outputs['parameter_prefix']}/{name}"
    answer = client.get_parameter(Name=path, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def test_instance_has_required_settings(web: Environment, instance: dict[str, Any]) -> None:
    key = web.outputs["kms_key_arn"]
    expected = {
        "Engine": "postgres",
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "StorageType": "gp3",
        "AllocatedStorage": 20,
        "MaxAllocatedStorage": 100,
        "StorageEncrypted": True,
        "KmsKeyId": key,
        "BackupRetentionPeriod": 7,
        "CopyTagsToSnapshot": True,
        "IAMDatabaseAuthenticationEnabled": True,
        "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "MonitoringInterval": 60,
        "PerformanceInsightsEnabled": True,
        "PerformanceInsightsKMSKeyId": key,
        "PerformanceInsightsRetentionPeriod": 7,
        "AutoMinorVersionUpgrade": True,
        "DeletionProtection": False,
    }
    assert {name: instance[name] for name in expected} == expected
    assert instance["EngineVersion"].startswith("15.")


def test_instance_is_in_the_isolated_subnets(web: Environment, instance: dict[str, Any]) -> None:
    found = {subnet["SubnetIdentifier"] for subnet in instance["DBSubnetGroup"]["Subnets"]}
    assert found == set(web.outputs["isolated_subnet_ids"])


def test_parameters_require_tls_and_log_connections(
    web: Environment, instance: dict[str, Any]
) -> None:
    # The emulator runs no PostgreSQL: the test reads the parameters of the instance.
    (group,) = instance["DBParameterGroups"]
    answer = web.client("rds").describe_db_parameters(
        DBParameterGroupName=group["DBParameterGroupName"]
    )
    values = {one["ParameterName"]: one.get("ParameterValue") for one in answer["Parameters"]}
    assert values["rds.force_ssl"] == "1"
    assert values["log_connections"] == values["log_disconnections"] == "1"
    assert values["log_statement"] == "ddl"


def test_log_groups_are_encrypted_and_expire(web: Environment, instance: dict[str, Any]) -> None:
    path = f"/aws/rds/instance/{instance['DBInstanceIdentifier']}/"
    answer = web.client("logs").describe_log_groups(logGroupNamePrefix=path)
    groups = answer["logGroups"]
    assert {one["logGroupName"].removeprefix(path) for one in groups} == {"postgresql", "upgrade"}
    assert {one["kmsKeyId"] for one in groups} == {web.outputs["kms_key_arn"]}
    assert {one["retentionInDays"] for one in groups} == {90}


def test_secret_contains_connection_parameters_and_password(web: Environment) -> None:
    value = secret_value(web)
    assert len(value.pop("password")) == 32
    assert value == {
        "engine": "postgres",
        "host": web.outputs["database_endpoint"],
        "port": 5432,
        "dbname": "web",
        "username": "web_master",
    }


def test_parameters_contain_endpoint_bucket_and_connection_url(web: Environment) -> None:
    ssm = web.client("ssm")
    assert parameter(ssm, web, "database/endpoint") == web.outputs["database_endpoint"]
    assert parameter(ssm, web, "bucket/name") == web.outputs["bucket_name"]
    url, secret = urlsplit(parameter(ssm, web, "database/url")), secret_value(web)
    assert url.scheme == "postgresql"
    assert url.hostname == secret["host"]
    assert url.port == secret["port"]
    assert url.username == secret["username"]
    assert unquote(url.password or "") == secret["password"]
    assert (url.path, url.query) == ("/web", "sslmode=require")


def test_only_the_connection_url_is_a_secure_string(web: Environment) -> None:
    answer = web.client("ssm").describe_parameters(
        ParameterFilters=[
            {"Key": "Path", "Option": "Recursive", "Values": [web.outputs["parameter_prefix"]]}
        ]
    )
    kinds = {one["Name"].rpartition("/")[2]: one["Type"] for one in answer["Parameters"]}
    assert kinds.pop("url") == "SecureString"
    assert kinds
    assert set(kinds.values()) == {"String"}
    (url,) = [one for one in answer["Parameters"] if one["Type"] == "SecureString"]
    assert url["KeyId"] == web.outputs["kms_key_arn"]


def test_instance_role_reads_only_its_own_parameters(web: Environment) -> None:
    web.client("ssm").put_parameter(Name="/of-another-system", Value="1", Type="String")
    try:
        ssm = web.client("ssm", role_arn=instance_role(web))
        assert parameter(ssm, web, "database/endpoint") == web.outputs["database_endpoint"]
        assert secret_value(web)["host"] in parameter(ssm, web, "database/url")
        assert refused(ssm.get_parameter, Name="/of-another-system")
    finally:
        web.client("ssm").delete_parameter(Name="/of-another-system")


def instance_role(web: Environment) -> str:
    answer = web.client("iam").list_instance_profiles()
    (profile,) = [
        one
        for one in answer["InstanceProfiles"]
        if one["InstanceProfileName"].startswith("web-")
        and one["InstanceProfileName"].endswith(f"-{web.suffix}")
    ]
    return str(profile["Roles"][0]["Arn"])


def test_password_is_in_neither_state_nor_plan(web: Environment) -> None:
    password = secret_value(web)["password"]
    url = parameter(web.client("ssm"), web, "database/url")
    forms = {password, json.dumps(password)[1:-1], url, urlsplit(url).password or ""}
    state = web.terraform.state()
    assert web.outputs["database_endpoint"] in state
    assert not [form for form in forms if form in state]
    plan = web.folder.parent / "shown-database.plan"
    web.terraform.run("plan", "-no-color", f"-out={plan}")
    shown = web.terraform.run("show", "-json", str(plan))
    assert web.outputs["database_endpoint"] in shown
    assert not [form for form in forms if form in shown]
