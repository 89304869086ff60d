"""The Aurora cluster and its password, which is not in the state."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template

EXISTING = "arn:aws:secretsmanager:us-east-1:123456789012:secret:master-AbCdEf"


@pytest.fixture(scope="module")
def existing(synth: Synthesizer) -> Template:
    """TapStack with an existing secret."""
    return synth("tap", TAP_DATABASE_EXISTING_SECRET_ARN=EXISTING)


def local(template: Template, attribute: str) -> tuple[str, Any]:
    """The name and value of the local that refers to an ephemeral attribute."""
    locals_ = template.document["locals"]
    ((name, value),) = [pair for pair in locals_.items() if attribute in pair[0]]
    return f"local.{name}", value


def version(template: Template, which: str) -> Resource:
    return template.get("aws_secretsmanager_secret_version", f"DatabaseSecret/{which}")


def test_secret_is_encrypted_and_has_a_name_prefix(tap: Template) -> None:
    secret = tap.get("aws_secretsmanager_secret", "DatabaseSecret")
    # A deleted secret reserves its name during the recovery window.
    assert secret["name_prefix"] == "database-secret-unit-"
    assert "name" not in secret.body
    assert secret["kms_key_id"] == tap.get("aws_kms_key").ref("arn")
    assert secret["recovery_window_in_days"] == 7


def test_password_is_an_ephemeral_value(tap: Template) -> None:
    password = tap.document["ephemeral"]["random_password"]["database_generated"]
    assert password["length"] == 32
    assert all(password[f"min_{kind}"] == 1 for kind in ("lower", "upper", "numeric", "special"))
    assert not set('/@" ') & set(password["override_special"]), "RDS rejects these"


def test_new_password_is_stored_as_pending(tap: Template) -> None:
    pending = version(tap, "Pending")
    name, value = local(tap, "result")
    assert value == "${ephemeral.random_password.database_generated.result}"
    assert pending["secret_id"] == tap.get("aws_secretsmanager_secret").ref("id")
    assert pending["secret_string_wo"] == (
        f'${{jsonencode({{"username" = "tap_master", "password" = {name}}})}}'
    )
    assert pending["version_stages"] == ["AWSPENDING"]
    assert pending["lifecycle"] == {"ignore_changes": ["version_stages"]}


def test_pending_password_is_read_from_its_version(tap: Template) -> None:
    assert tap.document["ephemeral"]["aws_secretsmanager_secret_version"] == {
        "database_stored": {
            "secret_id": tap.get("aws_secretsmanager_secret").ref("id"),
            "version_id": version(tap, "Pending").ref("version_id"),
        }
    }
    _, value = local(tap, "secret_string")
    assert value == ("${ephemeral.aws_secretsmanager_secret_version.database_stored.secret_string}")


def test_cluster_has_the_password_of_the_pending_version(tap: Template) -> None:
    cluster = tap.get("aws_rds_cluster")
    name, _ = local(tap, "secret_string")
    assert cluster["master_password_wo"] == f"${{jsondecode({name}).password}}"
    assert "manage_master_user_password" not in cluster.body


def test_current_version_contains_the_connection_parameters(tap: Template) -> None:
    current = version(tap, "Current")
    name, _ = local(tap, "secret_string")
    endpoint = tap.get("aws_rds_cluster").address + ".endpoint"
    fields = dict(re.findall(r'"(\w+)" = (.+?)(?:, (?=")|\}\)\}$)', current["secret_string_wo"]))
    assert fields == {
        "engine": '"postgres"',
        "host": endpoint,
        "port": "5432",
        "dbname": '"tap"',
        "username": '"tap_master"',
        "password": f"jsondecode({name}).password",
    }
    assert "version_stages" not in current.body, "AWSCURRENT is Secrets Manager's default"


def test_current_version_is_replaced_with_the_cluster(tap: Template) -> None:
    """Terraform does not detect that a write-only value contains the host of another cluster."""
    cluster = tap.get("aws_rds_cluster").address
    trigger = version(tap, "Current")["lifecycle"]["replace_triggered_by"]
    assert trigger == [f"{cluster}.cluster_resource_id"]


def test_password_version_changes_secret_and_cluster(synth: Synthesizer) -> None:
    template = synth("tap", TAP_DATABASE_PASSWORD_VERSION="4")
    assert version(template, "Pending")["secret_string_wo_version"] == 4
    assert version(template, "Current")["secret_string_wo_version"] == 4
    assert template.get("aws_rds_cluster")["master_password_wo_version"] == 4


def test_secret_has_two_versions(tap: Template) -> None:
    assert len(tap.of_type("aws_secretsmanager_secret_version")) == 2


def test_with_an_existing_secret_no_secret_is_created(existing: Template) -> None:
    existing.assert_none("aws_secretsmanager_secret")
    existing.assert_none("aws_secretsmanager_secret_version")
    assert {*existing.document["ephemeral"]} == {"aws_secretsmanager_secret_version"}


def test_with_an_existing_secret_the_random_provider_is_not_required(existing: Template) -> None:
    assert {*existing.document["provider"]} == {"aws"}
    assert {*existing.document["terraform"]["required_providers"]} == {"aws"}


def test_with_an_existing_secret_the_cluster_has_its_password(existing: Template) -> None:
    stored = existing.document["ephemeral"]["aws_secretsmanager_secret_version"]
    assert stored == {"database_stored": {"secret_id": EXISTING}}
    name, _ = local(existing, "secret_string")
    cluster = existing.get("aws_rds_cluster")
    assert cluster["master_password_wo"] == f"${{jsondecode({name}).password}}"
    assert existing.data("aws_secretsmanager_secret")["arn"] == EXISTING


def test_cluster_is_encrypted_and_destroyable(tap: Template) -> None:
    cluster = tap.get("aws_rds_cluster", "Database")
    expected = {
        "cluster_identifier": "aurora-cluster-unit",
        "engine": "aurora-postgresql",
        "engine_version": "16.9",
        "database_name": "tap",
        "master_username": "tap_master",
        "port": 5432,
        "storage_encrypted": True,
        "kms_key_id": tap.get("aws_kms_key").ref("arn"),
        "backup_retention_period": 7,
        "copy_tags_to_snapshot": True,
        "iam_database_authentication_enabled": True,
        "enabled_cloudwatch_logs_exports": ["postgresql"],
        "db_subnet_group_name": tap.get("aws_db_subnet_group").ref("name"),
        "vpc_security_group_ids": [
            tap.get("aws_security_group", "Database/SecurityGroup").ref("id")
        ],
        "deletion_protection": False,
        "skip_final_snapshot": True,
    }
    assert {name: cluster[name] for name in expected} == expected


def test_cluster_depends_on_its_log_group(tap: Template) -> None:
    group = tap.get("aws_cloudwatch_log_group", "Database/Logs")
    assert group["name"] == "/aws/rds/cluster/aurora-cluster-unit/postgresql"
    assert group.address in tap.get("aws_rds_cluster")["depends_on"]


def test_cluster_is_configurable(synth: Synthesizer) -> None:
    template = synth(
        "tap",
        TAP_DATABASE_ENGINE_VERSION="15.12",
        TAP_DATABASE_BACKUP_RETENTION_DAYS="21",
        TAP_DATABASE_NAME="results",
        TAP_DATABASE_USERNAME="owner",
        TAP_DATABASE_INSTANCE_CLASS="db.r6g.large",
        TAP_DATABASE_READER_COUNT="3",
        TAP_DATABASE_SECRET_RECOVERY_DAYS="30",
    )
    cluster = template.get("aws_rds_cluster")
    assert cluster["engine_version"] == "15.12"
    assert cluster["backup_retention_period"] == 21
    assert (cluster["database_name"], cluster["master_username"]) == ("results", "owner")
    for type_ in ("aws_rds_cluster_parameter_group", "aws_db_parameter_group"):
        group = template.get(type_)
        assert group["family"] == "aurora-postgresql15"
        assert group["name"].startswith("aurora-postgresql15-")
    instances = template.of_type("aws_rds_cluster_instance")
    assert {instance["instance_class"] for instance in instances} == {"db.r6g.large"}
    assert [
        i["availability_zone"][-1] for i in sorted(instances, key=lambda i: i["promotion_tier"])
    ] == [*"abab"]
    assert template.get("aws_secretsmanager_secret")["recovery_window_in_days"] == 30
    current = version(template, "Current")["secret_string_wo"]
    assert '"dbname" = "results", "username" = "owner"' in current


PARAMETERS = {
    "aws_rds_cluster_parameter_group": {
        "rds.force_ssl": "1",
        "log_statement": "ddl",
        "log_connections": "1",
        "log_disconnections": "1",
        "log_min_duration_statement": "1000",
    },
    "aws_db_parameter_group": {"log_lock_waits": "1", "log_temp_files": "1024"},
}


@pytest.mark.parametrize("type_", PARAMETERS)
def test_parameter_groups_require_tls_and_log(type_: str, tap: Template) -> None:
    group = tap.get(type_)
    assert group["family"] == "aurora-postgresql16"
    assert {row["name"]: row["value"] for row in group["parameter"]} == PARAMETERS[type_]
    assert {row["apply_method"] for row in group["parameter"]} == {"immediate"}
    # An upgrade needs the old group until the new one is used.
    assert "postgresql16" in group["name"]
    assert group["lifecycle"] == {"create_before_destroy": True}


def test_cluster_and_instances_use_the_parameter_groups(tap: Template) -> None:
    cluster_group = tap.get("aws_rds_cluster_parameter_group").ref("name")
    assert tap.get("aws_rds_cluster")["db_cluster_parameter_group_name"] == cluster_group
    for instance in tap.of_type("aws_rds_cluster_instance"):
        assert instance["db_parameter_group_name"] == tap.get("aws_db_parameter_group").ref("name")


def test_writer_and_reader_are_in_different_zones(tap: Template) -> None:
    writer = tap.get("aws_rds_cluster_instance", "Database/Writer")
    reader = tap.get("aws_rds_cluster_instance", "Database/Reader1")
    assert len(tap.of_type("aws_rds_cluster_instance")) == 2
    assert writer["availability_zone"] != reader["availability_zone"]
    assert (writer["identifier"], reader["identifier"]) == (
        "aurora-writer-unit",
        "aurora-reader-1-unit",
    )
    assert (writer["promotion_tier"], reader["promotion_tier"]) == (0, 1)


@pytest.mark.parametrize("path", ["Database/Writer", "Database/Reader1"])
def test_instances_are_private_and_monitored(path: str, tap: Template) -> None:
    instance = tap.get("aws_rds_cluster_instance", path)
    cluster = tap.get("aws_rds_cluster")
    role = tap.get("aws_iam_role", "Database/MonitoringRole")
    expected = {
        "cluster_identifier": cluster.ref("id"),
        "engine": "aurora-postgresql",
        "engine_version": cluster.ref("engine_version"),
        "instance_class": "db.t4g.medium",
        "publicly_accessible": False,
        "monitoring_interval": 60,
        "monitoring_role_arn": role.ref("arn"),
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": tap.get("aws_kms_key").ref("arn"),
        "performance_insights_retention_period": 7,
        "copy_tags_to_snapshot": True,
        "auto_minor_version_upgrade": False,
    }
    assert {name: instance[name] for name in expected} == expected


def test_instances_depend_on_the_permissions_of_the_monitoring_role(tap: Template) -> None:
    attachment = tap.get("aws_iam_role_policy_attachment", "Database/MonitoringRole/Managed")
    writer = tap.get("aws_rds_cluster_instance", "Database/Writer")
    assert attachment.address in writer["depends_on"]


def test_readers_depend_on_the_writer(tap: Template) -> None:
    """Aurora promotes the first instance of a cluster to writer."""
    writer = tap.get("aws_rds_cluster_instance", "Database/Writer").address
    assert tap.get("aws_rds_cluster_instance", "Database/Reader1")["depends_on"] == [writer]


def test_readers_are_optional(synth: Synthesizer) -> None:
    template = synth("tap", TAP_DATABASE_READER_COUNT="0")
    assert [i.path for i in template.of_type("aws_rds_cluster_instance")] == ["Database/Writer"]
