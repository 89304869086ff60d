"""The deployed Aurora cluster: its settings, and its password, which is only in the secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.conftest import Environment


@pytest.fixture(scope="module")
def cluster(environment: Environment) -> dict[str, Any]:
    answer = environment.client("rds").describe_db_clusters(
        DBClusterIdentifier=environment.outputs["aurora_cluster_id"]
    )
    (found,) = answer["DBClusters"]
    return dict(found)


@pytest.fixture(scope="module")
def instances(environment: Environment) -> list[dict[str, Any]]:
    # The database of the web application belongs to no cluster.
    found = environment.client("rds").describe_db_instances()["DBInstances"]
    return [one for one in found if "DBClusterIdentifier" in one]


def secret_value(environment: Environment, **which: str) -> dict[str, Any]:
    answer = environment.client("secretsmanager").get_secret_value(
        SecretId=environment.outputs["database_secret_arn"], **which
    )
    loaded: dict[str, Any] = json.loads(answer["SecretString"])
    return loaded


def test_cluster_has_required_settings(environment: Environment, cluster: dict[str, Any]) -> None:
    assert (cluster["Engine"], cluster["EngineVersion"]) == ("aurora-postgresql", "16.9")
    assert cluster["StorageEncrypted"] is True
    assert cluster["KmsKeyId"] == environment.outputs["kms_key_arn"]
    assert cluster["BackupRetentionPeriod"] == 7
    assert cluster["CopyTagsToSnapshot"] is True
    assert cluster["IAMDatabaseAuthenticationEnabled"] is True
    assert cluster["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert cluster["DeletionProtection"] is False


def test_writer_and_reader_are_in_different_zones(
    environment: Environment, instances: list[dict[str, Any]]
) -> None:
    own = [one for one in instances if one["DBClusterIdentifier"].endswith(environment.suffix)]
    assert len(own) == 2
    assert len({one["AvailabilityZone"] for one in own}) == 2
    assert len({one["DbiResourceId"] for one in own}) == 2


def test_cluster_without_readers_has_only_a_writer(
    custom_environment: Environment, instances: list[dict[str, Any]]
) -> None:
    own = [
        one for one in instances if one["DBClusterIdentifier"].endswith(custom_environment.suffix)
    ]
    assert [one["DBInstanceIdentifier"] for one in own] == [
        custom_environment.name("aurora-writer")
    ]


def test_instances_are_private_and_monitored(
    environment: Environment, instances: list[dict[str, Any]]
) -> None:
    for one in instances:
        assert one["MonitoringInterval"] == 60
        assert one["PerformanceInsightsEnabled"] is True
        assert one["PerformanceInsightsRetentionPeriod"] == 7
        assert one["PubliclyAccessible"] is False
    keys = {
        one["PerformanceInsightsKMSKeyId"]
        for one in instances
        if one["DBClusterIdentifier"].endswith(environment.suffix)
    }
    assert keys == {environment.outputs["kms_key_arn"]}


def test_parameters_require_tls_and_log_connections(
    environment: Environment, cluster: dict[str, Any]
) -> None:
    # The emulator runs no PostgreSQL: the test reads the parameters of the cluster.
    answer = environment.client("rds").describe_db_cluster_parameters(
        DBClusterParameterGroupName=cluster["DBClusterParameterGroup"]
    )
    values = {one["ParameterName"]: one.get("ParameterValue") for one in answer["Parameters"]}
    assert values["rds.force_ssl"] == "1"
    assert values["log_connections"] == values["log_disconnections"] == "1"
    assert values["log_statement"] == "ddl"


def test_cluster_is_in_the_private_subnets(
    environment: Environment, cluster: dict[str, Any]
) -> None:
    answer = environment.client("rds").describe_db_subnet_groups(
        DBSubnetGroupName=cluster["DBSubnetGroup"]
    )
    (group,) = answer["DBSubnetGroups"]
    found = {subnet["SubnetIdentifier"] for subnet in group["Subnets"]}
    assert found == set(environment.outputs["private_subnet_ids"])


def test_secret_contains_connection_parameters_and_password(environment: Environment) -> None:
    value = secret_value(environment)
    assert len(value.pop("password")) == 32
    assert value == {
        "engine": "postgres",
        "host": environment.outputs["aurora_cluster_endpoint"],
        "port": 5432,
        "dbname": "tap",
        "username": "tap_master",
    }
    described = environment.client("secretsmanager").describe_secret(
        SecretId=environment.outputs["database_secret_arn"]
    )
    assert described["KmsKeyId"] == environment.outputs["kms_key_arn"]
    assert described["Name"].startswith(environment.name("database-secret"))


def test_password_is_in_neither_state_nor_plan(environment: Environment) -> None:
    password = secret_value(environment)["password"]
    state = environment.terraform.state()
    assert environment.outputs["aurora_cluster_id"] in state
    assert password not in state
    assert json.dumps(password)[1:-1] not in state
    stored = environment.client("s3").get_object(
        Bucket="tap-state-of-the-tests", Key="default/tap.tfstate"
    )
    assert password not in stored["Body"].read().decode()
    plan = environment.folder.parent / "shown.plan"
    environment.terraform.run("plan", "-no-color", f"-out={plan}")
    shown = environment.terraform.run("show", "-json", str(plan))
    assert environment.outputs["aurora_cluster_id"] in shown
    assert json.dumps(password)[1:-1] not in shown


def test_increased_password_version_rotates_the_password(custom_environment: Environment) -> None:
    before = secret_value(custom_environment)
    custom_environment.synthesize(TAP_DATABASE_PASSWORD_VERSION="2")
    plan = custom_environment.terraform.plan()
    assert plan is not None
    assert "2 to add, 1 to change, 2 to destroy" in plan
    custom_environment.terraform.apply()
    after = secret_value(custom_environment)
    assert after["password"] != before["password"]
    assert {**after, "password": ""} == {**before, "password": ""}
    assert (
        secret_value(custom_environment, VersionStage="AWSPENDING")["password"] == after["password"]
    )
    assert secret_value(custom_environment, VersionStage="AWSPREVIOUS") == before
    assert after["password"] not in custom_environment.terraform.state()
    assert custom_environment.terraform.plan() is None
