"""The checks in their order, each with the outputs that a stack must have for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tools.checks import Result, perform
from tools.verify_aws import alarms, data_path, deliveries, endpoints
from tools.verify_aws.stack import DeployedStack


class Check(NamedTuple):
    """One check: its name, the outputs that it reads, and its function."""

    name: str
    outputs: tuple[str, ...]
    function: Callable[[DeployedStack], str]


# The sample comes first: later checks use its outcome.
CHECKS = (
    Check("summary of a sample", ("data_bucket_name", "function_name"), data_path.summary),
    Check("rows of the sample", ("data_bucket_name", "function_name"), data_path.rows),
    Check("upload with SSE-S3", ("data_bucket_name",), data_path.sse_s3),
    Check("upload with another key", ("data_bucket_name",), data_path.other_key),
    Check("upload over plain HTTP", ("data_bucket_name",), data_path.plain_http),
    Check("TLS of the database", ("aurora_cluster_id",), endpoints.database),
    Check("TLS of the application", ("application_url",), endpoints.application),
    Check("TLS of the API", ("api_url",), endpoints.api),
    Check("alarm", ("alarm_topic_arn",), alarms.alarm_delivery),
    Check("trail files", ("trail_arn",), deliveries.trail_files),
    Check("trail digests", ("trail_arn",), deliveries.trail_digests),
    Check("trail log group", ("trail_arn",), deliveries.trail_log_group),
    Check("AWS Config", ("audit_bucket_name",), deliveries.config_history),
    Check("flow logs", ("vpc_id",), deliveries.flow_logs),
    Check("access logs", ("data_bucket_name",), deliveries.access_logs),
    Check("access logs", ("bucket_name",), deliveries.access_logs),
    Check("access logs", ("backup_bucket_name",), deliveries.access_logs),
)


def run_checks(stack: DeployedStack) -> Iterator[Result]:
    """Perform the checks for which a stack has the outputs."""
    for check in CHECKS:
        if all(name in stack.outputs for name in check.outputs):
            yield perform(
                f"{stack.name}: {check.name}",
                lambda function=check.function: function(stack),  # type: ignore[misc]
            )
