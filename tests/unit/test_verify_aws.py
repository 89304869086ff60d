"""The checks of `tap verify-aws`, against resources of the emulator in this process."""

from __future__ import annotations

import datetime
import io
import json
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from report_parser import open_report
from summary import Summary
from tests.support import in_process_emulator
from tests.support.synthesis import Synthesizer
from tools.checks import CheckFailedError, Result, UndeterminedError, Verdict, perform
from tools.emulator.moto_patches import apply_patches
from tools.postgres.certificates import write_certificates
from tools.subscription import TopicSubscription
from tools.verify_aws import alarms, cli, data_path, deliveries, endpoints
from tools.verify_aws.deliveries import Destination
from tools.verify_aws.stack import DeployedStack
from tools.verify_aws.table import CHECKS, run_checks

AWS = "https://s3.us-east-1.amazonaws.com"
TODAY = datetime.datetime.now(datetime.UTC).date()


@pytest.fixture(scope="module")
def client() -> Callable[[str], Any]:
    apply_patches()
    application = in_process_emulator.load_application()
    return lambda service: in_process_emulator.client(application, service)


@pytest.fixture
def stack(client: Callable[[str], Any]) -> DeployedStack:
    """A stack with an encrypted bucket, which the emulator serves."""
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    bucket = f"data-{uuid.uuid4().hex}"
    s3 = client("s3")
    s3.create_bucket(Bucket=bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    outputs = {"data_bucket_name": bucket, "kms_key_arn": key, "function_name": bucket}
    return DeployedStack("tap", "us-east-1", outputs, client, wait_seconds=0)


def on_aws(stack: DeployedStack) -> DeployedStack:
    stack.__dict__["endpoint"] = AWS
    return stack


def destination(stack: DeployedStack, hours: int = 1, *, sse_s3: bool = False) -> Destination:
    bucket = stack.output("data_bucket_name")
    return Destination(bucket, lambda day: f"logs/{day}/", hours, allows_sse_s3=sse_s3)


def deliver(stack: DeployedStack, day: datetime.date = TODAY, **encryption: str) -> None:
    bucket = stack.output("data_bucket_name")
    stack.client("s3").put_object(Bucket=bucket, Key=f"logs/{day}/1", Body=b"log", **encryption)


def test_a_delivered_file_with_the_key_of_the_bucket_passes(stack: DeployedStack) -> None:
    deliver(stack)
    text = deliveries.check_delivery(stack, destination(stack))
    assert f"logs/{TODAY}/1, 0 min old" in text
    assert stack.output("kms_key_arn") in text


def test_yesterdays_file_counts(stack: DeployedStack) -> None:
    yesterday = TODAY - datetime.timedelta(days=1)
    deliver(stack, yesterday)
    assert f"logs/{yesterday}/1" in deliveries.check_delivery(stack, destination(stack))


def test_a_file_with_another_encryption_fails_unless_the_service_chooses_it(
    stack: DeployedStack,
) -> None:
    deliver(stack, ServerSideEncryption="AES256")
    with pytest.raises(CheckFailedError, match=r"encrypted with AES256; expected: .*aws:kms and"):
        deliveries.check_delivery(stack, destination(stack))
    assert "AES256" in deliveries.check_delivery(stack, destination(stack, sse_s3=True))


def test_a_missing_file_fails_on_aws_only(stack: DeployedStack) -> None:
    with pytest.raises(UndeterminedError, match="is not AWS"):
        deliveries.check_delivery(stack, destination(stack))
    with pytest.raises(UndeterminedError, match="the bucket is 0 min old"):
        deliveries.check_delivery(on_aws(stack), destination(stack))
    with pytest.raises(CheckFailedError, match=r"no file in s3://.*, expected within 0 h"):
        deliveries.check_delivery(on_aws(stack), destination(stack, hours=0))


def create_trail(stack: DeployedStack) -> None:
    s3, bucket = stack.client("s3"), stack.output("data_bucket_name")
    statements = [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}} | one
        for one in (
            {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"},
            {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
        )
    ]
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    trail = stack.client("cloudtrail").create_trail(
        Name=bucket, S3BucketName=bucket, S3KeyPrefix="cloudtrail"
    )
    stack.outputs = {**stack.outputs, "trail_arn": trail["TrailARN"]}


@pytest.mark.parametrize(
    ("check", "kind", "encryption"),
    [
        (deliveries.trail_files, "CloudTrail", {}),
        (deliveries.trail_digests, "CloudTrail-Digest", {"ServerSideEncryption": "AES256"}),
    ],
)
def test_trail_files_are_read_where_the_trail_delivers_them(
    stack: DeployedStack,
    check: Callable[[DeployedStack], str],
    kind: str,
    encryption: dict[str, str],
) -> None:
    create_trail(stack)
    with pytest.raises(CheckFailedError, match="is not logging"):
        check(stack)
    stack.client("cloudtrail").start_logging(Name=stack.output("trail_arn"))
    bucket, account = stack.output("data_bucket_name"), stack.account_id
    key = f"cloudtrail/AWSLogs/{account}/{kind}/us-east-1/{TODAY:%Y/%m/%d}/1.json.gz"
    with pytest.raises(UndeterminedError, match=key.rpartition("/")[0]):
        check(stack)
    stack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"events", **encryption)
    assert key in check(stack)


def test_flow_logs_are_read_where_the_flow_log_delivers_them(stack: DeployedStack) -> None:
    ec2, bucket = stack.client("ec2"), stack.output("data_bucket_name")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    stack.outputs = {**stack.outputs, "vpc_id": vpc}
    with pytest.raises(CheckFailedError, match="has no flow log"):
        deliveries.flow_logs(stack)
    ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::{bucket}",
    )
    folder = f"AWSLogs/{stack.account_id}/vpcflowlogs/us-east-1/{TODAY:%Y/%m/%d}/"
    stack.client("s3").put_object(Bucket=bucket, Key=f"{folder}09/1.parquet", Body=b"flows")
    assert f"{folder}09/1.parquet" in deliveries.flow_logs(stack)


def test_the_report_of_the_sample_has_the_expected_totals() -> None:
    counted = Summary()
    counted.add(open_report(io.BytesIO(data_path._REPORT.encode())))
    totals = counted.document()["totals"]
    assert {name: totals[name] for name in data_path._TOTALS} == data_path._TOTALS


def write_summary(stack: DeployedStack, cases: int = 3) -> None:
    totals = {"totals": {"cases": cases, "passed": 2, "skipped": 1}}
    stack.client("s3").put_object(
        Bucket=stack.output("data_bucket_name"),
        Key=f"processed/verify-aws/{stack.run_id}.xml.summary.json",
        Body=json.dumps(totals).encode(),
    )


def write_log(stack: DeployedStack, **fields: object) -> None:
    logs, group = stack.client("logs"), f"/aws/lambda/{stack.output('function_name')}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    line = json.dumps({"message": "report processed", "key": stack.accepted_upload, **fields})
    now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": "START"}, {"timestamp": now, "message": line}],
    )


def test_summary_and_rows_of_the_sample(stack: DeployedStack) -> None:
    with pytest.raises(UndeterminedError, match="has no summary after 0 s"):
        data_path.summary(stack)
    with pytest.raises(UndeterminedError, match="was not processed"):
        data_path.rows(stack)
    write_summary(stack)
    assert "3 cases, 2 passed, 1 skipped" in data_path.summary(stack)
    write_log(stack, stored=True, cases=3)
    assert "3 cases; the private database was not queried" in data_path.rows(stack)


def test_a_wrong_count_or_a_run_without_rows_fails(stack: DeployedStack) -> None:
    write_summary(stack, cases=2)
    with pytest.raises(CheckFailedError, match="'cases': 2"):
        data_path.summary(stack)
    write_summary(stack)
    data_path.summary(stack)
    write_log(stack, stored=False, cases=3)
    with pytest.raises(CheckFailedError, match="'stored': False"):
        data_path.rows(stack)


def deny_uploads(stack: DeployedStack) -> None:
    bucket = stack.output("data_bucket_name")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"}},
    }
    stack.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )


@pytest.mark.parametrize("check", [data_path.sse_s3, data_path.other_key])
def test_a_prohibited_upload_passes_only_if_it_is_denied(
    stack: DeployedStack, check: Callable[[DeployedStack], str]
) -> None:
    with pytest.raises(CheckFailedError, match=r"accepted as s3://.*; expected: a denial"):
        check(stack)
    deny_uploads(stack)
    with pytest.raises(UndeterminedError, match="perhaps this principal may upload nothing"):
        check(stack)
    stack.accepted_upload = "incoming/sample.xml"
    assert check(stack).startswith("denied")


def test_plain_http_is_undetermined_without_aws(stack: DeployedStack) -> None:
    with pytest.raises(UndeterminedError, match="is not AWS"):
        data_path.plain_http(stack)


def create_alarm(stack: DeployedStack, state: str) -> str:
    topic = stack.client("sns").create_topic(Name=f"topic-{stack.run_id}")["TopicArn"]
    stack.outputs = {**stack.outputs, "alarm_topic_arn": topic}
    cloudwatch, name = stack.client("cloudwatch"), f"alarm-{stack.run_id}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[topic],
        Namespace="test",
        MetricName="test",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    return name


def remaining(stack: DeployedStack) -> list[str]:
    queues = stack.client("sqs").list_queues(QueueNamePrefix="verify-aws-").get("QueueUrls", [])
    topic = stack.output("alarm_topic_arn")
    found = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [*queues, *(one["SubscriptionArn"] for one in found)]


def test_an_alarm_that_reaches_no_subscriber_fails_on_aws_and_leaves_nothing(
    stack: DeployedStack,
) -> None:
    name = create_alarm(stack, "OK")
    with pytest.raises(UndeterminedError, match=f"{name} did not reach"):
        alarms.alarm_delivery(stack)
    with pytest.raises(CheckFailedError, match=f"{name} did not reach"):
        alarms.alarm_delivery(on_aws(stack))
    assert remaining(stack) == []
    (alarm,) = stack.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["StateValue"] == "OK"


def test_an_alarm_that_reaches_the_subscriber_passes_and_leaves_nothing(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = create_alarm(stack, "OK")

    def notify(subscription: Any) -> list[str]:
        # What CloudWatch sends when the state changes, which moto does not.
        message = json.dumps({"AlarmName": name})
        stack.client("sns").publish(TopicArn=stack.output("alarm_topic_arn"), Message=message)
        return received(subscription, 0)

    received = TopicSubscription.messages
    monkeypatch.setattr(TopicSubscription, "messages", notify)
    assert f"{name} reached a temporary subscriber" in alarms.alarm_delivery(stack)
    assert remaining(stack) == []


def test_without_a_quiet_alarm_nothing_is_created(stack: DeployedStack) -> None:
    create_alarm(stack, "ALARM")
    with pytest.raises(UndeterminedError, match="all 1 alarms are in the state ALARM"):
        alarms.alarm_delivery(stack)
    stack.outputs = {"alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:other"}
    with pytest.raises(CheckFailedError, match="no alarm notifies"):
        alarms.alarm_delivery(stack)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    write_certificates(folder, "localhost")
    return folder


@pytest.fixture
def serve(certificates: Path) -> Iterator[Callable[[ssl.TLSVersion], int]]:
    """Starts servers that accept a TLS version and newer ones; returns their ports."""
    listeners: list[socket.socket] = []

    def start(minimum: ssl.TLSVersion) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        context.minimum_version = minimum
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_check_rejects_unverified_certificates_and_old_versions(
    serve: Callable[[ssl.TLSVersion], int], certificates: Path
) -> None:
    modern, old = serve(ssl.TLSVersion.TLSv1_2), serve(ssl.TLSVersion.TLSv1)
    trusted = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    assert "TLS 1.1 is rejected" in endpoints.check_tls("localhost", modern, trusted)
    with pytest.raises(CheckFailedError, match="certificate verify failed"):
        endpoints.check_tls("localhost", modern)
    with pytest.raises(CheckFailedError, match=r"accepts TLSv1.1; expected: TLS 1.2"):
        endpoints.check_tls("localhost", old, trusted)


def test_names_are_not_resolved_without_aws(stack: DeployedStack) -> None:
    stack.outputs = {"application_url": "https://app.example.com", "api_url": "https://a.example"}
    for check in (endpoints.application, endpoints.api):
        with pytest.raises(UndeterminedError, match="is not AWS"):
            check(stack)


def test_only_checks_with_their_outputs_are_performed(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.outputs = {"alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:none"}
    assert [one.name for one in run_checks(stack)] == ["tap: alarm"]


def test_every_output_of_a_check_exists_in_a_stack(synth: Synthesizer) -> None:
    outputs = {
        name for stack in ("tap", "web", "bastion") for name in synth(stack).document["output"]
    }
    assert {name for check in CHECKS for name in check.outputs} <= outputs


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([Verdict.PASS, Verdict.UNDETERMINED], 0), ([Verdict.PASS, Verdict.FAIL], 1)],
)
def test_exit_code_and_junit_file(
    stack: DeployedStack,
    verdicts: list[Verdict],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = [Result(f"tap: {one}", one, "text", 0.0) for one in verdicts]
    monkeypatch.setattr(cli, "deployed_stacks", lambda _wait: [stack])
    monkeypatch.setattr(cli, "run_checks", lambda _stack: iter(results))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(cli, "_write_immediately", lambda: None)
    report = tmp_path / "report.xml"
    done = CliRunner().invoke(cli.command, ["--junit", str(report)])
    assert done.exit_code == code, done.output
    assert f"tap: {verdicts[1]}" in report.read_text(encoding="utf-8")
    assert len(done.output.splitlines()) == len(results) + 2


def test_perform_reports_denied_reads(stack: DeployedStack) -> None:
    stack.outputs = {"trail_arn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/none"}
    result = perform("trail files", lambda: deliveries.trail_files(stack))
    assert result.verdict is Verdict.FAIL
    assert "TrailNotFoundException" in result.text
