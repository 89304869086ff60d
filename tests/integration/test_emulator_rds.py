"""Patches of RDS and Aurora."""

from __future__ import annotations

from typing import Any

import pytest

from tools.emulator import Emulator


@pytest.fixture(scope="module")
def rds(fresh_emulator: Emulator) -> Any:
    return fresh_emulator.client("rds")


def create_instance(rds: Any, name: str, version: str) -> str:
    """Create an instance and return its engine version."""
    response = rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        EngineVersion=version,
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="not a secret",
    )
    return str(response["DBInstance"]["EngineVersion"])


def test_major_engine_version_resolves_to_a_minor_version(rds: Any) -> None:
    assert create_instance(rds, "newest", "15") == "15.5"
    changed = rds.modify_db_instance(
        DBInstanceIdentifier="newest",
        EngineVersion="16",
        AllowMajorVersionUpgrade=True,
        ApplyImmediately=True,
    )
    assert changed["DBInstance"]["EngineVersion"] == "16.5"


def test_minor_engine_version_is_unchanged(rds: Any) -> None:
    assert create_instance(rds, "pinned", "15.7") == "15.7"


def test_cluster_instances_return_unique_resource_ids_and_performance_insights(rds: Any) -> None:
    rds.create_db_cluster(
        DBClusterIdentifier="pair",
        Engine="aurora-postgresql",
        EngineVersion="16.9",
        MasterUsername="master",
        MasterUserPassword="not a secret",
    )
    for name in ("pair-0", "pair-1"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier="pair",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId="arn:aws:kms:us-east-1:123456789012:key/one",
        )
    first, second = rds.describe_db_instances(
        Filters=[{"Name": "db-cluster-id", "Values": ["pair"]}]
    )["DBInstances"]
    assert first["DbiResourceId"] != second["DbiResourceId"]
    for instance in (first, second):
        assert instance["PerformanceInsightsEnabled"]
        assert instance["PerformanceInsightsKMSKeyId"].endswith("key/one")
        assert instance["PerformanceInsightsRetentionPeriod"] == 7
        assert instance["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="pair")["DBClusters"]
    assert "ScalingConfigurationInfo" not in cluster


def test_modified_parameters_return_source_user(rds: Any) -> None:
    rds.create_db_parameter_group(
        DBParameterGroupName="one", DBParameterGroupFamily="aurora-postgresql16", Description="it"
    )
    parameter = {
        "ParameterName": "log_connections",
        "ParameterValue": "1",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="one", Parameters=[parameter])
    found = rds.describe_db_parameters(DBParameterGroupName="one", Source="user")["Parameters"]
    assert [one["Source"] for one in found] == ["user"]
