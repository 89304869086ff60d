"""The PostgreSQL instance, its logs and its password."""

from __future__ import annotations

import re

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template

EXISTING = "arn:aws:secretsmanager:us-east-1:123456789012:secret:master-AbCdEf"


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


@pytest.fixture(scope="module")
def instance(web: Template) -> Resource:
    return web.get("aws_db_instance", "Database")


def test_instance_is_encrypted_private_and_destroyable(web: Template, instance: Resource) -> None:
    key = web.get("aws_kms_key").ref("arn")
    expected = {
        "identifier": "web-database-unit",
        "engine": "postgres",
        "engine_version": "15",
        "auto_minor_version_upgrade": True,
        "allow_major_version_upgrade": True,
        "instance_class": "db.t4g.medium",
        "db_name": "web",
        "username": "web_master",
        "port": 5432,
        "multi_az": True,
        "publicly_accessible": False,
        "storage_type": "gp3",
        "allocated_storage": 20,
        "max_allocated_storage": 100,
        "storage_encrypted": True,
        "kms_key_id": key,
        "backup_retention_period": 7,
        "copy_tags_to_snapshot": True,
        "iam_database_authentication_enabled": True,
        "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"],
        "monitoring_interval": 60,
        "monitoring_role_arn": web.get("aws_iam_role", "Database/MonitoringRole").ref("arn"),
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key,
        "performance_insights_retention_period": 7,
        "vpc_security_group_ids": [
            web.get("aws_security_group", "Database/SecurityGroup").ref("id")
        ],
        "db_subnet_group_name": web.get("aws_db_subnet_group").ref("name"),
        "parameter_group_name": web.get("aws_db_parameter_group").ref("name"),
        "apply_immediately": True,
        "deletion_protection": False,
        "skip_final_snapshot": True,
    }
    assert {name: instance[name] for name in expected} == expected
    # RDS chooses the certificate authority and the zone of the standby.
    assert not {"ca_cert_identifier", "availability_zone"} & {*instance.body}


def test_instance_is_in_the_isolated_subnets(web: Template) -> None:
    isolated = [
        subnet.ref("id")
        for subnet in web.of_type("aws_subnet")
        if subnet.path.startswith("Network/Isolated")
    ]
    assert len(isolated) == 2
    assert web.get("aws_db_subnet_group")["subnet_ids"] == isolated


def test_backup_window_precedes_maintenance_window(instance: Resource) -> None:
    assert instance["backup_window"] == "02:00-03:00"
    assert instance["maintenance_window"] == "sun:04:00-sun:05:00"


def test_parameters_require_tls_and_log(web: Template) -> None:
    group = web.get("aws_db_parameter_group", "Database/InstanceParameters")
    assert (group["name"], group["family"]) == (
        "web-postgres15-instance-parameters-unit",
        "postgres15",
    )
    assert {row["name"]: row["value"] for row in group["parameter"]} == {
        "rds.force_ssl": "1",
        "log_statement": "ddl",
        "log_connections": "1",
        "log_disconnections": "1",
        "log_min_duration_statement": "1000",
        "log_lock_waits": "1",
        "log_temp_files": "1024",
    }
    assert {row["apply_method"] for row in group["parameter"]} == {"immediate"}
    assert group["lifecycle"] == {"create_before_destroy": True}


@pytest.mark.parametrize("log", ["postgresql", "upgrade"])
def test_instance_depends_on_its_log_groups(log: str, web: Template, instance: Resource) -> None:
    group = web.get("aws_cloudwatch_log_group", f"Database/{log.title()}Logs")
    assert group["name"] == f"/aws/rds/instance/web-database-unit/{log}"
    assert group["retention_in_days"] == 90
    assert group.address in instance["depends_on"]


def test_instance_depends_on_the_permissions_of_the_monitoring_role(
    web: Template, instance: Resource
) -> None:
    attachment = web.get("aws_iam_role_policy_attachment", "Database/MonitoringRole/Managed")
    assert attachment.address in instance["depends_on"]


def test_security_group_has_no_egress(web: Template) -> None:
    group = web.get("aws_security_group", "Database/SecurityGroup").ref("id")
    rules = web.of_type("aws_vpc_security_group_egress_rule")
    assert rules
    assert group not in [rule["security_group_id"] for rule in rules]


# ---- the password -------------------------------------------------------------------------------


def password(template: Template) -> str:
    """The expression of the password in a write-only argument."""
    ((name, value),) = [
        pair for pair in template.document["locals"].items() if "secret_string" in pair[0]
    ]
    assert value == "${ephemeral.aws_secretsmanager_secret_version.database_stored.secret_string}"
    return f"jsondecode(local.{name}).password"


def test_instance_has_the_password_of_the_secret(web: Template, instance: Resource) -> None:
    assert instance["password_wo"] == f"${{{password(web)}}}"
    assert not {"password", "manage_master_user_password"} & {*instance.body}


def test_current_version_contains_the_address_of_the_instance(
    web: Template, instance: Resource
) -> None:
    current = web.get("aws_secretsmanager_secret_version", "DatabaseSecret/Current")
    assert f'"host" = {instance.address}.address' in current["secret_string_wo"]
    assert '"dbname" = "web", "username" = "web_master"' in current["secret_string_wo"]
    # Terraform does not detect a change of the address in a write-only value.
    assert current["lifecycle"] == {"replace_triggered_by": [f"{instance.address}.resource_id"]}


def test_password_in_the_url_is_encoded(web: Template, instance: Resource) -> None:
    url = web.get("aws_ssm_parameter", "Parameters/database-url")["value_wo"]
    assert url == (
        f"postgresql://web_master:${{urlencode({password(web)})}}"
        f"@{instance.ref('address')}:5432/web?sslmode=require"
    )


def test_password_version_changes_secret_instance_and_url(synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_DATABASE_PASSWORD_VERSION="3")
    assert template.get("aws_db_instance")["password_wo_version"] == 3
    versions = template.of_type("aws_secretsmanager_secret_version")
    assert [version["secret_string_wo_version"] for version in versions] == [3, 3]
    parameter = template.get("aws_ssm_parameter", "Parameters/database-url")
    assert parameter["value_wo_version"] == 3


def test_with_an_existing_secret_no_password_is_generated(synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_DATABASE_EXISTING_SECRET_ARN=EXISTING)
    template.assert_none("aws_secretsmanager_secret")
    assert {*template.document["ephemeral"]} == {"aws_secretsmanager_secret_version"}
    assert template.get("aws_db_instance")["password_wo"] == f"${{{password(template)}}}"


# ---- configuration ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def configured(synth: Synthesizer) -> Template:
    """WebStack with another configuration of the database."""
    return synth(
        "web",
        TAP_WEB_DATABASE_ENGINE_VERSION="16.4",
        TAP_WEB_DATABASE_MULTI_AZ="false",
        TAP_WEB_DATABASE_NAME="shop",
        TAP_WEB_DATABASE_USERNAME="owner",
        TAP_WEB_DATABASE_INSTANCE_CLASS="db.m6g.large",
        TAP_WEB_DATABASE_STORAGE_GB="50",
        TAP_WEB_DATABASE_MAXIMUM_STORAGE_GB="200",
        TAP_WEB_DATABASE_BACKUP_RETENTION_DAYS="21",
    )


def test_instance_is_configurable(configured: Template) -> None:
    instance = configured.get("aws_db_instance")
    expected = {
        "engine_version": "16.4",
        "auto_minor_version_upgrade": False,
        "multi_az": False,
        "db_name": "shop",
        "username": "owner",
        "instance_class": "db.m6g.large",
        "allocated_storage": 50,
        "max_allocated_storage": 200,
        "backup_retention_period": 21,
    }
    assert {name: instance[name] for name in expected} == expected
    group = configured.get("aws_db_parameter_group")
    assert group["family"] == "postgres16"
    assert re.search("postgres16", group["name"])
    url = configured.get("aws_ssm_parameter", "Parameters/database-url")["value_wo"]
    assert url.startswith("postgresql://owner:")
    assert "/shop?" in url


def test_suppressions_depend_on_the_configuration(configured: Template, instance: Resource) -> None:
    assert {*instance.suppressions} == {"CKV_AWS_293"}
    suppressions = configured.get("aws_db_instance").suppressions
    assert {*suppressions} == {"CKV_AWS_293", "CKV_AWS_226", "CKV_AWS_157"}
