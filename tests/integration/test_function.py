"""The deployed function: its settings and the permissions of its role.

`test_event_path.py` tests how it processes reports.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import Environment, refused


@pytest.fixture(scope="module")
def deployed(environment: Environment) -> dict[str, Any]:
    return dict(
        environment.client("lambda").get_function(FunctionName=environment.outputs["function_name"])
    )


@pytest.fixture(scope="module")
def role(deployed: dict[str, Any]) -> str:
    return str(deployed["Configuration"]["Role"])


def test_function_has_required_settings(environment: Environment, deployed: dict[str, Any]) -> None:
    configuration = deployed["Configuration"]
    assert configuration["Runtime"] == "python3.11"
    assert configuration["KMSKeyArn"] == environment.outputs["kms_key_arn"]
    assert set(configuration["VpcConfig"]["SubnetIds"]) == set(
        environment.outputs["private_subnet_ids"]
    )
    assert configuration["TracingConfig"]["Mode"] == "Active"
    assert configuration["LoggingConfig"]["LogGroup"] == "/aws/lambda/data-processor-default"
    assert deployed["Concurrency"]["ReservedConcurrentExecutions"] == 10


def test_role_reads_the_current_secret_but_not_the_pending_one(
    environment: Environment, role: str
) -> None:
    secrets = environment.client("secretsmanager", role_arn=role)
    arn = environment.outputs["database_secret_arn"]
    assert not refused(secrets.get_secret_value, SecretId=arn)
    assert not refused(secrets.get_secret_value, SecretId=arn, VersionStage="AWSCURRENT")
    assert refused(secrets.get_secret_value, SecretId=arn, VersionStage="AWSPENDING")
    versions = environment.client("secretsmanager").list_secret_version_ids(SecretId=arn)[
        "Versions"
    ]
    for version in versions:
        assert refused(secrets.get_secret_value, SecretId=arn, VersionId=version["VersionId"])


def test_role_has_no_access_to_another_environment(
    environment: Environment, custom_environment: Environment, role: str
) -> None:
    secrets = environment.client("secretsmanager", role_arn=role)
    assert refused(
        secrets.get_secret_value, SecretId=custom_environment.outputs["database_secret_arn"]
    )
    s3 = environment.client("s3", role_arn=role)
    custom_environment.client("s3").put_object(
        Bucket=custom_environment.outputs["data_bucket_name"], Key="incoming/other", Body=b"x"
    )
    assert refused(
        s3.get_object, Bucket=custom_environment.outputs["data_bucket_name"], Key="incoming/other"
    )


def test_role_writes_only_summaries(environment: Environment, role: str) -> None:
    s3, bucket = environment.client("s3", role_arn=role), environment.outputs["data_bucket_name"]
    assert not refused(s3.put_object, Bucket=bucket, Key="processed/x", Body=b"x")
    assert refused(s3.put_object, Bucket=bucket, Key="incoming/x", Body=b"x")
    assert refused(s3.delete_object, Bucket=bucket, Key="processed/x")
    assert refused(s3.list_buckets)


def test_role_cannot_manage_resources(environment: Environment, role: str) -> None:
    kms = environment.client("kms", role_arn=role)
    assert refused(kms.schedule_key_deletion, KeyId=environment.outputs["kms_key_arn"])
    rds = environment.client("rds", role_arn=role)
    assert refused(rds.describe_db_clusters)
