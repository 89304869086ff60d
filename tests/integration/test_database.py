"""Aurora's settings, and the password that lies in the secret and nowhere else."""

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
    # The web application's database is of no cluster.
    found = environment.client("rds").describe_db_instances()["DBInstances"]
    return [one for one in found if "DBClusterIdentifier" in one]


def secret_value(environment: Environment, **which: str) -> dict[str, Any]:
    answer = environment.client("secretsmanager").get_secret_value(
        SecretId=environment.outputs["database_secret_arn"], **which
    )
    loaded: dict[str, Any] = json.loads(answer["SecretString"])
    return loaded


def test_cluster_is_as_required(environment: Environment, cluster: dict[str, Any]) -> None:
    assert (cluster["Engine"], cluster["EngineVersion"]) == ("aurora-postgresql", "16.9")
    assert cluster["StorageEncrypted"] is True
    assert cluster["KmsKeyId"] == environment.outputs["kms_key_arn"]
    assert cluster["BackupRetentionPeriod"] == 7
    assert cluster["CopyTagsToSnapshot"] is True
    assert cluster["IAMDatabaseAuthenticationEnabled"] is True
    assert cluster["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert cluster["DeletionProtection"] is False


def test_writer_and_reader_lie_in_different_zones(
    environment: Environment, instances: list[dict[str, Any]]
) -> None:
    own = [one for one in instances if one["DBClusterIdentifier"].endswith(environment.suffix)]
    assert len(own) == 2
    assert len({one["AvailabilityZone"] for one in own}) == 2
    assert len({one["DbiResourceId"] for one in own}) == 2


def test_reader_count_is_a_setting(
    custom_environment: Environment, instances: list[dict[str, Any]]
) -> None:
    own = [
        one for one in instances if one["DBClusterIdentifier"].endswith(custom_environment.suffix)
    ]
    assert [one["DBInstanceIdentifier"] for one in own] == [
        custom_environment.name("aurora-writer")
    ]


def test_instances_are_watched_and_private(
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


def test_tls_is_forced_and_connections_are_logged(
    environment: Environment, cluster: dict[str, Any]
) -> None:
    # The emulator runs no PostgreSQL: the parameters in force are the nearest it can show.
    answer = environment.client("rds").describe_db_cluster_parameters(
        DBClusterParameterGroupName=cluster["DBClusterParameterGroup"]
    )
    values = {one["ParameterName"]: one.get("ParameterValue") for one in answer["Parameters"]}
    assert values["rds.force_ssl"] == "1"
    assert values["log_connections"] == values["log_disconnections"] == "1"
    assert values["log_statement"] == "ddl"


def test_cluster_lies_in_the_private_subnets(
    environment: Environment, cluster: dict[str, Any]
) -> None:
    answer = environment.client("rds").describe_db_subnet_groups(
        DBSubnetGroupName=cluster["DBSubnetGroup"]
    )
    (group,) = answer["DBSubnetGroups"]
    found = {subnet["SubnetIdentifier"] for subnet in group["Subnets"]}
    assert found == set(environment.outputs["private_subnet_ids"])


def test_secret_holds_all_that_a_client_needs(environment: Environment) -> None:
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


def test_password_lies_neither_in_state_nor_in_plan(environment: Environment) -> None:
    password = secret_value(environment)["password"]
    state = environment.terraform.state()
    assert environment.outputs["aurora_cluster_id"] in state
    assert password not in state
    assert json.dumps(password)[1:-1] not in state
    stored = environment.client("s3").get_object(
        Bucket="tap-state-of-the-tests", Key="default/tap.tfstate"
    )
    assert password not in stored["Body"].read().decode()
    plan = environment.folder.parent / "looked-at.plan"
    environment.terraform.run("plan", "-no-color", f"-out={plan}")
    shown = environment.terraform.run("show", "-json", str(plan))
    assert environment.outputs["aurora_cluster_id"] in shown
    assert json.dumps(password)[1:-1] not in shown


def test_raising_the_version_rotates_the_password(custom_environment: Environment) -> None:
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
