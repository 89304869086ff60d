"""What is observed on ministack, in order: `OBSERVATIONS`, by name.

Each function returns what it observed, with figures, and raises CheckFailedError if that differs
from the behaviour of AWS. The last ones change policies of the deployment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tools.checks import CheckFailedError, Verdict, is_denied, line, perform
from tools.cross_check.account import REGION
from tools.cross_check.deployment import Deployment
from tools.cross_check.sockets import listeners
from tools.project import ROOT
from tools.subscription import TopicSubscription
from tools.verify_aws.stack import DeployedStack
from tools.verify_aws.table import CHECKS

SAMPLES = ROOT / "samples"
_PROCESSING_SECONDS = 60
_DELIVERY_SECONDS = 10
# Long enough for the delivery of an event, which takes well under a second.
_ABSENCE_SECONDS = 3
T = TypeVar("T")
_RUNS = "SELECT object_key, cases FROM results.runs ORDER BY object_key"


def _require(condition: object, text: str) -> None:
    if not condition:
        raise CheckFailedError(text)


def _eventually(function: Callable[[], T], seconds: float, what: str) -> T:
    """The first true result of a function; CheckFailedError after the given time."""
    until = time.monotonic() + seconds
    while not (result := function()):
        _require(time.monotonic() < until, f"not within {seconds:g} s: {what}")
        time.sleep(0.2)
    return result


def apply(deployment: Deployment) -> str:
    """Terraform creates the stack."""
    started = time.monotonic()
    deployment.apply()
    return (
        f"Terraform created {deployment.resources} resources in"
        f" {time.monotonic() - started:.0f} s, over TLS and with policies enforced"
    )


def loopback(deployment: Deployment) -> str:
    """The processes of the emulator and of its functions listen on the loopback interface."""
    found = listeners(deployment.account.process_id)
    _require(found, "no listening socket found")
    other = [address for address in found if not address.startswith("127.")]
    _require(not other, f"listens on {', '.join(other)}; expected: 127.0.0.0/8 only")
    return f"the emulator and its functions listen on {', '.join(found)} only"


def processing(deployment: Deployment) -> str:
    """Bucket, queue, Lambda's poller, function and PostgreSQL process the samples."""
    files = sorted(one for one in SAMPLES.iterdir() if one.is_file())
    s3, bucket = deployment.account.client("s3"), deployment.output("data_bucket_name")
    started = time.monotonic()
    for path in files:
        s3.put_object(Bucket=bucket, Key=f"incoming/{path.name}", Body=path.read_bytes())
    keys = {f"processed/{path.name}.summary.json" for path in files}

    def summaries() -> dict[str, Any]:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="processed/").get("Contents", [])
        if not keys <= {one["Key"] for one in listed}:
            return {}
        return {key: s3.get_object(Bucket=bucket, Key=key) for key in keys}

    objects = _eventually(summaries, _PROCESSING_SECONDS, f"{len(files)} summaries")
    seconds = time.monotonic() - started
    rows = {key: int(cases) for key, cases in deployment.database.require_server().query(_RUNS)}
    for path in files:
        found = objects[f"processed/{path.name}.summary.json"]
        cases = json.loads(found["Body"].read())["totals"]["cases"]
        stored = rows.get(f"incoming/{path.name}")
        _require(stored == cases, f"{path.name}: {cases} cases in the summary, {stored} stored")
        key, expected = found.get("SSEKMSKeyId"), deployment.output("kms_key_arn")
        _require(key == expected, f"{found['ServerSideEncryption']} {key}; expected: {expected}")
    return (
        f"{len(files)} samples became {len(rows)} runs with {sum(rows.values())} cases and"
        f" {len(objects)} summaries with the same counts, encrypted with the key of the stack, in"
        f" {seconds:.1f} s"
    )


def database(deployment: Deployment) -> str:
    """The function connects to the endpoint of the cluster over TLS."""
    server = deployment.database.require_server()
    sessions = server.query(
        "SELECT usename, ssl.version FROM pg_stat_ssl ssl JOIN pg_stat_activity USING (pid)"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    _require(sessions, "the function has no session")
    _require(all(version.startswith("TLS") for _, version in sessions), f"sessions: {sessions}")
    (version,) = server.query("SHOW server_version")[0]
    users, protocols = ({one[index] for one in sessions} for index in (0, 1))
    return (
        f"{len(sessions)} sessions of {', '.join(sorted(users))} with"
        f" {', '.join(sorted(protocols))} to {deployment.output('aurora_cluster_endpoint')}, whose"
        f" name the function verified; PostgreSQL {version}"
    )


def _subscribe(deployment: Deployment) -> TopicSubscription:
    return TopicSubscription(
        deployment.account.client, deployment.output("alarm_topic_arn"), "receiver"
    )


def _require_none(receiver: TopicSubscription, what: str) -> None:
    """Raise CheckFailedError if a message arrives."""
    found = receiver.messages(_ABSENCE_SECONDS)
    _require(not found, f"{what} arrived: {found}")


def _publish_finding(deployment: Deployment, title: str, severity: float) -> None:
    detail = {"id": title, "title": title, "severity": severity, "type": "Recon:EC2/Portscan"}
    events = deployment.account.client("events", as_service="guardduty")
    answer = events.put_events(
        Entries=[
            {
                "Source": "aws.guardduty",
                "DetailType": "GuardDuty Finding",
                "Detail": json.dumps(detail),
            }
        ]
    )
    _require(not answer["FailedEntryCount"], f"EventBridge: {answer['Entries']}")


def finding(deployment: Deployment) -> str:
    """EventBridge sends findings of high severity, and only these, to the topic's subscriber."""
    with _subscribe(deployment) as receiver:
        started = time.monotonic()
        _publish_finding(deployment, "Unprotected port", 8)
        (text, *_) = _eventually(receiver.messages, _DELIVERY_SECONDS, "a finding arrives")
        seconds = time.monotonic() - started
        _require("Unprotected port" in text, f"received {text!r}")
        _publish_finding(deployment, "Harmless", 2)
        _require_none(receiver, "a finding of severity 2")
    return (
        f"a finding of severity 8 reached the subscriber in {seconds:.1f} s as {text};"
        " one of severity 2 did not"
    )


def alarm(deployment: Deployment) -> str:
    """A datapoint of a metric changes the state of its alarm, which notifies the subscriber."""
    cloudwatch = deployment.account.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNamePrefix="cis-4-3-")["MetricAlarms"]
    with _subscribe(deployment) as receiver:
        started = time.monotonic()
        cloudwatch.put_metric_data(
            Namespace=found["Namespace"],
            MetricData=[{"MetricName": found["MetricName"], "Value": 1}],
        )

        def notified() -> list[str]:
            # ministack evaluates alarms when they are read.
            cloudwatch.describe_alarms(AlarmNames=[found["AlarmName"]])
            return receiver.messages()

        (text, *_) = _eventually(notified, _DELIVERY_SECONDS, "the alarm arrives")
    message = json.loads(text)
    _require(message["AlarmName"] == found["AlarmName"], f"received {text}")
    return (
        f"after one datapoint {message['AlarmName']} changed from {message['OldStateValue']} to"
        f" {message['NewStateValue']} and reached the subscriber in"
        f" {time.monotonic() - started:.1f} s"
    )


def verification(deployment: Deployment) -> str:
    """The checks of `tap verify-aws` that moto cannot answer pass."""
    stack = DeployedStack("tap", REGION, deployment.outputs, deployment.account.client, 60)
    wanted = ("summary of a sample", "rows of the sample", "alarm")
    results = [
        perform(check.name, lambda check=check: check.function(stack))  # type: ignore[misc]
        for check in CHECKS
        if check.name in wanted
    ]
    other = [line(one) for one in results if one.verdict is not Verdict.PASS]
    _require(not other, "; ".join(other))
    return f"tap verify-aws: pass for {', '.join(one.name for one in results)}"


def trust(deployment: Deployment) -> str:
    """Only the services in the trust policies of the roles can assume them."""
    sts = deployment.account.client("sts", keys=deployment.administrator)
    pages = deployment.account.client("iam").get_paginator("list_roles").paginate()
    roles = [role["Arn"] for page in pages for role in page["Roles"]]
    _require(roles, "no role exists")
    assumed = [
        arn
        for arn in roles
        if not _denied(sts.assume_role, RoleArn=arn, RoleSessionName="cross-check")
    ]
    _require(not assumed, f"an administrator assumed {', '.join(assumed)}")
    return f"an administrator with all permissions can assume none of the {len(roles)} roles"


def prohibited(deployment: Deployment) -> str:
    """The policy of the data bucket denies requests that an identity policy allows."""
    s3, bucket = (
        deployment.account.client("s3", keys=deployment.administrator),
        deployment.output("data_bucket_name"),
    )
    upload = {"Bucket": bucket, "Key": "incoming/prohibited.csv", "Body": b"name\n"}
    requests: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "upload with SSE-S3": (s3.put_object, upload | {"ServerSideEncryption": "AES256"}),
        "deletion without MFA": (
            s3.delete_object,
            {"Bucket": bucket, "Key": "processed/load.csv.summary.json"},
        ),
    }
    allowed = [name for name, (call, named) in requests.items() if not _denied(call, **named)]
    _require(not allowed, f"not denied: {', '.join(allowed)}")
    return f"denied by the bucket policy to an administrator: {', '.join(requests)}"


def _denied(call: Callable[..., Any], **arguments: Any) -> bool:  # noqa: ANN401
    try:
        call(**arguments)
    except ClientError as error:
        if is_denied(error):
            return True
        raise
    return False


def role_without_s3(deployment: Deployment) -> str:
    """The function fails if its role lacks the actions of S3."""
    function = deployment.output("function_name")
    configuration = deployment.account.client("lambda").get_function_configuration(
        FunctionName=function
    )
    removed = _remove_actions(deployment, configuration["Role"], "s3:")
    s3, bucket = deployment.account.client("s3"), deployment.output("data_bucket_name")
    name = "without-permission.csv"
    body = (SAMPLES / "load.csv").read_bytes()
    s3.put_object(Bucket=bucket, Key=f"incoming/{name}", Body=body)
    logs = deployment.account.client("logs")

    def failure() -> str:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        return next((one["message"] for one in found if name in one["message"]), "")

    logged = json.loads(_eventually(failure, _PROCESSING_SECONDS, "the log of the function"))
    reason = str(logged.get("exception", "")).rpartition("\n")[2]
    _require("AccessDenied" in reason, f"the function logged {logged}")
    written = s3.list_objects_v2(Bucket=bucket, Prefix=f"processed/{name}")["KeyCount"]
    rows = [key for key, _ in deployment.database.require_server().query(_RUNS) if name in key]
    _require(not written and not rows, f"{written} summaries and rows of {rows}")
    return f"without {', '.join(removed)} the function failed and wrote nothing: {reason}"


def _remove_actions(deployment: Deployment, role_arn: str, prefix: str) -> list[str]:
    """Remove the actions that start with a prefix from the inline policies of a role."""
    iam, role = deployment.account.client("iam"), role_arn.rpartition("/")[2]
    removed: set[str] = set()
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        kept = []
        for statement in document["Statement"]:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            removed.update(one for one in actions if one.startswith(prefix))
            remaining = [one for one in actions if not one.startswith(prefix)]
            if remaining:
                kept.append(statement | {"Action": remaining})
        policy = json.dumps(document | {"Statement": kept})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)
    _require(removed, f"the role has no actions of {prefix}")
    return sorted(removed)


OBSERVATIONS: dict[str, Callable[[Deployment], str]] = {
    "apply": apply,
    "loopback": loopback,
    "processing": processing,
    "database": database,
    "finding": finding,
    "alarm": alarm,
    "verify-aws": verification,
    "trust policies": trust,
    "bucket policy": prohibited,
    "role without s3:": role_without_s3,
}
if sys.platform != "linux":
    del OBSERVATIONS["loopback"]
