"""TapStack: its composition and outputs."""

from __future__ import annotations

import re

from lib.stacks import STACKS
from tests.support.synthesis import Synthesizer
from tests.support.template import Template

# Consumers of the state read outputs by name.
OUTPUTS = {
    "vpc_id": "aws_vpc.id",
    "data_bucket_name": "aws_s3_bucket.bucket",
    "access_logs_bucket_name": "aws_s3_bucket.bucket",
    "flow_logs_bucket_name": "aws_s3_bucket.bucket",
    "audit_bucket_name": "aws_s3_bucket.bucket",
    "kms_key_arn": "aws_kms_key.arn",
    "aurora_cluster_id": "aws_rds_cluster.cluster_identifier",
    "aurora_cluster_endpoint": "aws_rds_cluster.endpoint",
    "aurora_reader_endpoint": "aws_rds_cluster.reader_endpoint",
    "aurora_database_name": "aws_rds_cluster.database_name",
    "database_secret_arn": "aws_secretsmanager_secret.arn",
    "function_name": "aws_lambda_function.function_name",
    "function_arn": "aws_lambda_function.arn",
    "queue_url": "aws_sqs_queue.url",
    "queue_arn": "aws_sqs_queue.arn",
    "dead_letter_queue_url": "aws_sqs_queue.url",
    "dead_letter_queue_arn": "aws_sqs_queue.arn",
    "alarm_topic_arn": "aws_sns_topic.arn",
    "dashboard_name": "aws_cloudwatch_dashboard.dashboard_name",
}


def test_outputs_have_stable_names(tap: Template) -> None:
    outputs = {name: output["value"] for name, output in tap.document["output"].items()}
    assert outputs.pop("trail_arn").endswith(":trail/trail-unit")
    assert outputs.pop("private_subnet_ids") == [s.ref("id") for s in tap.of_type("aws_subnet")]
    assert {n: re.sub(r"\$\{(\w+)\.\w+\.(\w+)\}", r"\1.\2", v) for n, v in outputs.items()} == (
        OUTPUTS
    )


def test_outputs_refer_to_the_buckets(tap: Template) -> None:
    for name, path in {
        "data_bucket_name": "DataProcessing/Data",
        "access_logs_bucket_name": "AccessLogs",
        "flow_logs_bucket_name": "Network/FlowLogs",
        "audit_bucket_name": "Monitoring/Audit",
    }.items():
        assert tap.document["output"][name]["value"] == tap.get("aws_s3_bucket", path).ref("bucket")


def test_outputs_refer_to_the_queues(tap: Template) -> None:
    for name, path in {
        "queue": "DataProcessing/Queue",
        "dead_letter_queue": "DataProcessing/Queue/DeadLetters",
    }.items():
        queue = tap.get("aws_sqs_queue", path)
        for attribute in ("url", "arn"):
            value = tap.document["output"][f"{name}_{attribute}"]["value"]
            assert value == queue.ref(attribute)


def test_stack_has_one_key(tap: Template) -> None:
    assert len(tap.of_type("aws_kms_key")) == 1


def test_addresses_do_not_depend_on_the_environment(synth: Synthesizer) -> None:
    """Terraform replaces a resource whose address changes."""
    one, other = (
        {resource.address for resource in template.resources()}
        for template in (synth("tap"), synth("tap", ENVIRONMENT_SUFFIX="pr-7"))
    )
    assert one == other


def test_construct_ids_do_not_contain_the_suffix(synth: Synthesizer) -> None:
    template = synth("tap", ENVIRONMENT_SUFFIX="pr-7")
    assert [resource.path for resource in template.resources() if "pr-7" in resource.path] == []


def test_the_stacks_that_can_be_deployed() -> None:
    assert {*STACKS} == {"tap", "bastion", "web", "state"}


def test_audit_bucket_requires_trail_or_recorder(synth: Synthesizer) -> None:
    template = synth("tap", TAP_MONITORING_TRAIL="false", TAP_MONITORING_CONFIG_RECORDER="false")
    assert "audit_bucket_name" not in template.document["output"]
    names = {bucket["bucket"] for bucket in template.of_type("aws_s3_bucket")}
    assert names
    assert not any(name.startswith("audit-logs") for name in names)
