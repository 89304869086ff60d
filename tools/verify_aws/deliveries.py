"""Checks that logs arrive, encrypted as their bucket requires.

Destination and prefix are read from the service that delivers, not from this project.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from tools.checks import CheckFailedError, UndeterminedError
from tools.verify_aws.stack import DeployedStack

_PAGES = 20


@dataclass(frozen=True)
class Destination:
    """Where a service delivers files.

    `folder` returns the prefix of the files of a day. `hours` is the time after which at least one
    file must exist; AWS documents typical times only, so it is generous. `allows_sse_s3` is for
    files whose encryption the service chooses.
    """

    bucket: str
    folder: Callable[[datetime.date], str]
    hours: int
    allows_sse_s3: bool = False


def check_delivery(stack: DeployedStack, destination: Destination) -> str:
    """Find the newest file of the last two days and verify its encryption."""
    s3, bucket = stack.client("s3"), destination.bucket
    default = _default_encryption(s3, bucket)
    now = datetime.datetime.now(datetime.UTC)
    days = (now.date(), now.date() - datetime.timedelta(days=1))
    prefixes = [destination.folder(day) for day in days]
    found = next(filter(None, (_newest(s3, bucket, prefix) for prefix in prefixes)), None)
    if found is None:
        _explain_absence(stack, destination, prefixes[0], now)
    head = s3.head_object(Bucket=bucket, Key=found["Key"])
    actual = (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId"))
    accepted = [default, *([("AES256", None)] if destination.allows_sse_s3 else [])]
    age = int((now - found["LastModified"]).total_seconds() / 60)
    text = f"s3://{bucket}/{found['Key']}, {age} min old, {_encryption(actual)}"
    if actual not in accepted:
        expected = " or ".join(map(_encryption, accepted))
        raise CheckFailedError(f"{text}; expected: {expected}")
    return text


def _encryption(pair: tuple[str | None, str | None]) -> str:
    algorithm, key = pair
    return f"encrypted with {algorithm or 'nothing'}{f' and {key}' if key else ''}"


def _default_encryption(s3: Any, bucket: str) -> tuple[str | None, str | None]:  # noqa: ANN401
    answer = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    (rule,) = answer["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    return default["SSEAlgorithm"], default.get("KMSMasterKeyID")


def _newest(s3: Any, bucket: str, prefix: str) -> Mapping[str, Any] | None:  # noqa: ANN401
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"MaxItems": _PAGES * 1000}
    )
    files = (one for page in pages for one in page.get("Contents", []))
    return max(files, key=lambda one: one["LastModified"], default=None)


def _explain_absence(
    stack: DeployedStack, destination: Destination, prefix: str, now: datetime.datetime
) -> NoReturn:
    bucket, hours = destination.bucket, destination.hours
    text = f"no file in s3://{bucket}/{prefix}"
    created = {
        one["Name"]: one["CreationDate"] for one in stack.client("s3").list_buckets()["Buckets"]
    }
    age = now - created.get(bucket, now)
    if stack.is_on_aws and age < datetime.timedelta(hours=hours):
        minutes = int(age.total_seconds() / 60)
        raise UndeterminedError(
            f"{text}; the bucket is {minutes} min old, and files arrive within {hours} h: repeat"
            " the check later"
        )
    stack.not_observed(f"{text}, expected within {hours} h")


def _require_no_errors(errors: Mapping[str, object]) -> None:
    if found := {name: error for name, error in errors.items() if error}:
        raise CheckFailedError(", ".join(f"{name}: {error}" for name, error in found.items()))


def _trail(stack: DeployedStack, kind: str, hours: int, errors: Iterable[str]) -> str:
    cloudtrail, arn = stack.client("cloudtrail"), stack.output("trail_arn")
    status = cloudtrail.get_trail_status(Name=arn)
    _require_no_errors({name: status.get(name) for name in errors})
    if not status.get("IsLogging"):
        raise CheckFailedError(f"{arn} is not logging")
    trail = cloudtrail.get_trail(Name=arn)["Trail"]
    prefix = f"{trail['S3KeyPrefix']}/" if trail.get("S3KeyPrefix") else ""
    folder = f"{prefix}AWSLogs/{stack.account_id}/{kind}/{stack.region}"
    destination = Destination(
        trail["S3BucketName"],
        lambda day: f"{folder}/{day:%Y/%m/%d}/",
        hours,
        # AWS's documentation is not consistent about the encryption of digest files.
        allows_sse_s3=kind == "CloudTrail-Digest",
    )
    return check_delivery(stack, destination)


def trail_files(stack: DeployedStack) -> str:
    """CloudTrail delivers log files."""
    return _trail(stack, "CloudTrail", 1, ["LatestDeliveryError"])


def trail_digests(stack: DeployedStack) -> str:
    """CloudTrail delivers digest files, with which log files are validated, every hour."""
    return _trail(stack, "CloudTrail-Digest", 3, ["LatestDigestDeliveryError"])


def trail_log_group(stack: DeployedStack) -> str:
    """CloudTrail writes events to the log group of the metric filters."""
    cloudtrail, arn = stack.client("cloudtrail"), stack.output("trail_arn")
    status = cloudtrail.get_trail_status(Name=arn)
    name = "LatestCloudWatchLogsDeliveryError"
    _require_no_errors({name: status.get(name)})
    delivered = status.get("LatestCloudWatchLogsDeliveryTime")
    if delivered is None:
        stack.not_observed("no event was delivered to the log group")
    return f"events delivered to the log group at {delivered:%Y-%m-%d %H:%M} UTC"


def flow_logs(stack: DeployedStack) -> str:
    """VPC flow logs arrive."""
    vpc = stack.output("vpc_id")
    filters = [{"Name": "resource-id", "Values": [vpc]}]
    found = stack.client("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]
    if not found:
        raise CheckFailedError(f"{vpc} has no flow log")
    (flow_log,) = found
    _require_no_errors({"DeliverLogsErrorMessage": flow_log.get("DeliverLogsErrorMessage")})
    bucket, _, prefix = str(flow_log["LogDestination"]).rpartition(":")[2].partition("/")
    folder = f"{prefix}/" if prefix else ""
    folder += f"AWSLogs/{stack.account_id}/vpcflowlogs/{stack.region}"
    return check_delivery(stack, Destination(bucket, lambda day: f"{folder}/{day:%Y/%m/%d}/", 1))


def config_history(stack: DeployedStack) -> str:
    """AWS Config delivers configuration histories."""
    config = stack.client("config")
    bucket = stack.output("audit_bucket_name")
    channels = [
        one
        for one in config.describe_delivery_channels()["DeliveryChannels"]
        if one["s3BucketName"] == bucket
    ]
    if not channels:
        raise UndeterminedError(
            f"no delivery channel for {bucket}: TAP_MONITORING_CONFIG_RECORDER is off, or another"
            " deployment owns the recorder"
        )
    (channel,) = channels
    answer = config.describe_delivery_channel_status(DeliveryChannelNames=[channel["name"]])
    (status,) = answer["DeliveryChannelsStatus"]
    for name in ("configHistoryDeliveryInfo", "configSnapshotDeliveryInfo"):
        info = status.get(name) or {}
        if info.get("lastStatus") == "FAILURE":
            raise CheckFailedError(
                f"{name}: {info.get('lastErrorCode')} {info.get('lastErrorMessage')}"
            )
    prefix = f"{channel['s3KeyPrefix']}/" if channel.get("s3KeyPrefix") else ""
    folder = f"{prefix}AWSLogs/{stack.account_id}/Config/{stack.region}"
    # Month and day without leading zeros.
    destination = Destination(
        bucket, lambda day: f"{folder}/{day.year}/{day.month}/{day.day}/", hours=24
    )
    return check_delivery(stack, destination)


def access_logs(stack: DeployedStack) -> str:
    """Server access logs of the stack's bucket arrive."""
    names = ("data_bucket_name", "bucket_name", "backup_bucket_name")
    source = next(stack.output(name) for name in names if name in stack.outputs)
    logging = stack.client("s3").get_bucket_logging(Bucket=source).get("LoggingEnabled")
    if not logging:
        raise UndeterminedError(f"access logs of {source} are off")
    prefix = logging["TargetPrefix"]
    destination = Destination(
        logging["TargetBucket"], lambda day: f"{prefix}{day:%Y-%m-%d}", hours=24
    )
    return check_delivery(stack, destination)
