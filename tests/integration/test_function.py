"""The deployed function: its settings, and what its role may and may not do.

There is no Lambda runtime on this machine, so the deployed package runs in a process of its own,
with the deployed function's environment variables and keys of its role, which the emulator holds to
the role's policies.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Environment, refused

CALL = (
    "import json, sys; from data_processor import handler;"
    "print(json.dumps(handler(json.load(sys.stdin), None)))"
)
JUNIT = b"""<testsuites><testsuite name="checkout">
<testcase classname="cart" name="adds" time="0.25"/>
<testcase classname="cart" name="removes" time="1.5"><failure message="left over"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(scope="module")
def deployed(alpha: Environment) -> dict[str, Any]:
    return dict(alpha.client("lambda").get_function(FunctionName=alpha.outputs["function_name"]))


@pytest.fixture(scope="module")
def package(deployed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployed code, downloaded and unpacked."""
    with urllib.request.urlopen(deployed["Code"]["Location"]) as answer:
        downloaded = answer.read()
    digest = base64.b64encode(hashlib.sha256(downloaded).digest()).decode()
    assert digest == deployed["Configuration"]["CodeSha256"]
    folder = tmp_path_factory.mktemp("package")
    zipfile.ZipFile(io.BytesIO(downloaded)).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def role(deployed: dict[str, Any]) -> str:
    return str(deployed["Configuration"]["Role"])


def invoke(
    alpha: Environment, deployed: dict[str, Any], package: Path, event: dict[str, Any]
) -> dict[str, Any]:
    configuration = deployed["Configuration"]
    keys = alpha.emulator.role_keys(configuration["Role"])
    environment = {
        "PATH": os.environ["PATH"],
        **alpha.emulator.environment(),
        **{name.upper(): value for name, value in keys.items()},
        **configuration["Environment"]["Variables"],
    }
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=package,
        env=environment,
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def test_function_is_as_required(alpha: Environment, deployed: dict[str, Any]) -> None:
    configuration = deployed["Configuration"]
    assert configuration["Runtime"] == "python3.11"
    assert configuration["KMSKeyArn"] == alpha.outputs["kms_key_arn"]
    assert set(configuration["VpcConfig"]["SubnetIds"]) == set(alpha.outputs["private_subnet_ids"])
    assert configuration["TracingConfig"]["Mode"] == "Active"
    assert configuration["LoggingConfig"]["LogGroup"] == "/aws/lambda/data-processor-alpha"
    assert deployed["Concurrency"]["ReservedConcurrentExecutions"] == 10


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_results_go_in_and_a_summary_comes_out(
    alpha: Environment, deployed: dict[str, Any], package: Path, compress: bool
) -> None:
    s3, bucket = alpha.client("s3"), alpha.outputs["data_bucket_name"]
    key = "incoming/nightly/junit.xml" + (".gz" if compress else "")
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(JUNIT) if compress else JUNIT)
    answer = invoke(alpha, deployed, package, {"bucket": bucket, "key": key})
    (written,) = answer["processed"]
    found = s3.get_object(Bucket=bucket, Key=written)
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == alpha.outputs["kms_key_arn"]
    summary = json.load(found["Body"])
    assert summary["totals"]["passed"] == 1
    assert summary["totals"]["failed"] == 1
    assert "left over" in json.dumps(summary["failures"])


def test_bad_input_is_refused_and_kept(
    alpha: Environment, deployed: dict[str, Any], package: Path
) -> None:
    s3, bucket = alpha.client("s3"), alpha.outputs["data_bucket_name"]
    s3.put_object(Bucket=bucket, Key="incoming/broken.xml", Body=b"<testsuite><testcase")
    answer = invoke(alpha, deployed, package, {"bucket": bucket, "key": "incoming/broken.xml"})
    (rejected,) = answer["rejected"]
    assert rejected["reason"]
    assert s3.get_object(Bucket=bucket, Key="incoming/broken.xml")["Body"].read()


def test_role_reads_its_secret_but_not_the_pending_one(alpha: Environment, role: str) -> None:
    secrets = alpha.client("secretsmanager", role_arn=role)
    arn = alpha.outputs["database_secret_arn"]
    assert not refused(secrets.get_secret_value, SecretId=arn)
    assert not refused(secrets.get_secret_value, SecretId=arn, VersionStage="AWSCURRENT")
    assert refused(secrets.get_secret_value, SecretId=arn, VersionStage="AWSPENDING")
    versions = alpha.client("secretsmanager").list_secret_version_ids(SecretId=arn)["Versions"]
    for version in versions:
        assert refused(secrets.get_secret_value, SecretId=arn, VersionId=version["VersionId"])


def test_role_reaches_no_other_environment(
    alpha: Environment, beta: Environment, role: str
) -> None:
    secrets = alpha.client("secretsmanager", role_arn=role)
    assert refused(secrets.get_secret_value, SecretId=beta.outputs["database_secret_arn"])
    s3 = alpha.client("s3", role_arn=role)
    beta.client("s3").put_object(
        Bucket=beta.outputs["data_bucket_name"], Key="incoming/other", Body=b"x"
    )
    assert refused(s3.get_object, Bucket=beta.outputs["data_bucket_name"], Key="incoming/other")


def test_role_writes_summaries_and_nothing_else(alpha: Environment, role: str) -> None:
    s3, bucket = alpha.client("s3", role_arn=role), alpha.outputs["data_bucket_name"]
    assert not refused(s3.put_object, Bucket=bucket, Key="processed/x", Body=b"x")
    assert refused(s3.put_object, Bucket=bucket, Key="incoming/x", Body=b"x")
    assert refused(s3.delete_object, Bucket=bucket, Key="processed/x")
    assert refused(s3.list_buckets)


def test_role_manages_nothing(alpha: Environment, role: str) -> None:
    kms = alpha.client("kms", role_arn=role)
    assert refused(kms.schedule_key_deletion, KeyId=alpha.outputs["kms_key_arn"])
    rds = alpha.client("rds", role_arn=role)
    assert refused(rds.describe_db_clusters)
