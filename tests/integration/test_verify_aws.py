"""`tap verify-aws` against the deployed stack: what the emulator shows and what it does not."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.integration.conftest import Environment
from tools.project import ROOT
from tools.verify_aws.table import CHECKS

LINE = re.compile(r"(pass|fail|cannot tell) +tap: (.*?)  +(.*)")


@contextlib.contextmanager
def clean(environment: Environment) -> Iterator[None]:
    """Remove the message of the uploaded sample, which no function processes here."""
    try:
        yield
    finally:
        sqs, url = environment.client("sqs"), environment.outputs["queue_url"]
        while messages := sqs.receive_message(QueueUrl=url).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def verify(environment: Environment, report: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and verdict and text of each check."""
    with clean(environment):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tools.cli", "verify-aws"),
                *("--wait", "1", "--junit", str(report)),
            ],
            cwd=ROOT,
            env=os.environ | environment.variables,
            capture_output=True,
            text=True,
            check=False,
        )
    found = [match.groups() for match in map(LINE.fullmatch, done.stdout.splitlines()) if match]
    assert found, done.stdout + done.stderr
    return done.returncode, {name: (verdict, text) for verdict, name, text in found}


@pytest.fixture(scope="module")
def verified(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, dict[str, tuple[str, str]], Path]:
    report = tmp_path_factory.mktemp("verify-aws") / "report.xml"
    return (*verify(environment, report), report)


Verified = tuple[int, dict[str, tuple[str, str]], Path]


def test_uploads_are_denied_and_the_rest_is_undetermined(verified: Verified) -> None:
    code, results, _ = verified
    assert code == 0
    passed = {name for name, (verdict, _) in results.items() if verdict == "pass"}
    assert passed == {"upload with SSE-S3", "upload with another key", "access logs"}
    assert {verdict for verdict, _ in results.values()} == {"pass", "cannot tell"}


def test_each_check_of_the_stack_has_one_line(environment: Environment, verified: Verified) -> None:
    names = [one.name for one in CHECKS if environment.outputs.keys() >= {*one.outputs}]
    assert [*verified[1]] == names


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("summary of a sample", "has no summary after 1 s"),
        ("alarm", "did not reach a subscriber"),
        ("trail digests", "/cloudtrail/AWSLogs/123456789012/CloudTrail-Digest/us-east-1/"),
        ("AWS Config", "does not implement config.DescribeDeliveryChannelStatus"),
        ("flow logs", "/AWSLogs/123456789012/vpcflowlogs/us-east-1/"),
        ("access logs", "/data/20"),
        ("TLS of the database", "rds.force_ssl is 1"),
    ],
)
def test_the_reason_names_what_was_read_from_the_account(
    verified: Verified, check: str, text: str
) -> None:
    assert text in verified[1][check][1]


def test_the_report_has_the_same_verdicts(verified: Verified) -> None:
    _, results, report = verified
    cases = ET.parse(report).getroot()
    skipped = [case.get("name") for case in cases if case.find("skipped") is not None]
    undetermined = [name for name, (verdict, _) in results.items() if verdict == "cannot tell"]
    assert skipped == [f"tap: {name}" for name in undetermined]
    assert cases.get("tests") == str(len(results))


def test_temporary_resources_are_deleted(environment: Environment, verified: Verified) -> None:
    sqs, sns = environment.client("sqs"), environment.client("sns")
    assert sqs.list_queues(QueueNamePrefix="verify-aws-").get("QueueUrls", []) == []
    topic = environment.outputs["alarm_topic_arn"]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    alarms = environment.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarms == []


def test_uploads_that_no_policy_denies_fail(environment: Environment, tmp_path: Path) -> None:
    s3, bucket = environment.client("s3"), environment.outputs["data_bucket_name"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        code, results = verify(environment, tmp_path / "report.xml")
        for version in s3.list_object_versions(Bucket=bucket, Prefix="verify-aws/")["Versions"]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert code == 1
    for name in ("upload with SSE-S3", "upload with another key"):
        verdict, text = results[name]
        assert verdict == "fail"
        assert "expected: a denial" in text
