"""Lambda functions outside and inside a network, with a queue as event source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib.compute.function import Function
from lib.iam_policy import Statement
from lib.messaging.queue import Queue
from lib.networking.network import Network, NetworkConfig
from lib.rules import findings
from tests.support.template import Template
from tests.unit.conftest import UnitStack

NETWORK = NetworkConfig(
    cidr="10.0.0.0/16",
    availability_zones=("us-east-1a", "us-east-1b"),
    private_subnets=("10.0.0.0/24", "10.0.1.0/24"),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "main.py").write_text("def handle(event, context): ...\n")
    return folder


def create(stack: UnitStack, source: Path, **given: Any) -> Function:
    return Function(
        stack,
        "Function",
        context=stack.context,
        kind="consumer",
        source=source,
        handler="main.handle",
        description="Works",
        **given,
    )


def statements(template: Template) -> dict[str, dict[str, Any]]:
    policy = json.loads(template.get("aws_iam_role_policy")["policy"])
    return {one["Sid"]: one for one in policy["Statement"]}


def test_a_function_without_a_network_has_no_vpc_permissions(
    stack: UnitStack, source: Path
) -> None:
    create(stack, source)
    template = stack.template()
    function = template.get("aws_lambda_function")
    assert (function["function_name"], function["handler"]) == ("consumer-unit", "main.handle")
    assert "vpc_config" not in function.body
    assert {*statements(template)} == {"WriteLogs", "SendTraces"}
    assert {*function.suppressions} == {"CKV_AWS_117", "CKV_AWS_272"}
    template.assert_none("aws_security_group")
    assert findings(template, severity="high") == []


def test_a_function_in_a_network_runs_in_the_private_subnets(
    stack: UnitStack, source: Path
) -> None:
    network = Network(stack, "Network", context=stack.context, config=NETWORK)
    create(stack, source, network=network, reserved_concurrency=2)
    template = stack.template()
    function = template.get("aws_lambda_function")
    assert function["vpc_config"] == {
        "security_group_ids": [template.get("aws_security_group").ref("id")],
        "subnet_ids": [subnet.ref("id") for subnet in template.of_type("aws_subnet")],
    }
    deny = statements(template)["DenyNetworkToCode"]
    assert deny["Effect"] == "Deny"
    assert deny["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"].endswith(
        ":function:consumer-unit"
    )
    assert {*function.suppressions} == {"CKV_AWS_272"}


def test_environment_variables_are_encrypted_with_the_key(stack: UnitStack, source: Path) -> None:
    function = create(stack, source, environment={"LOG_LEVEL": "INFO"})
    template = stack.template()
    arguments = template.get("aws_lambda_function")
    assert arguments["environment"] == {"variables": {"LOG_LEVEL": "INFO"}}
    assert arguments["kms_key_arn"] == template.get("aws_kms_key").ref("arn")
    assert findings(template, severity="high") == []
    function.function.reset_kms_key_arn()
    assert [one.rule for one in findings(stack.template(), severity="high")] == [
        "require_encryption_at_rest"
    ]


def test_a_function_without_environment_variables_has_no_key(
    stack: UnitStack, source: Path
) -> None:
    create(stack, source)
    function = stack.template().get("aws_lambda_function")
    assert not {"environment", "kms_key_arn"} & {*function.body}


def test_a_function_depends_on_the_permissions_that_it_is_given(
    stack: UnitStack, source: Path
) -> None:
    read = Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",))
    create(stack, source, statements=(read,)).grant(
        Statement(sid="Write", actions=("s3:PutObject",), resources=("arn:aws:s3:::b/*",))
    )
    template = stack.template()
    assert {"Read", "Write"} <= {*statements(template)}
    policy = template.get("aws_iam_role_policy").address
    assert policy in template.get("aws_lambda_function")["depends_on"]


def test_a_queue_is_consumed_in_batches_with_reported_failures(
    stack: UnitStack, source: Path
) -> None:
    queue = Queue(stack, "Queue", context=stack.context, kind="jobs", visibility_timeout_seconds=60)
    create(stack, source).consume(queue, batch_size=7, maximum_concurrency=3)
    template = stack.template()
    mapping = template.get("aws_lambda_event_source_mapping")
    assert mapping["event_source_arn"] == template.get("aws_sqs_queue", "Queue").ref("arn")
    assert (mapping["batch_size"], mapping["enabled"]) == (7, True)
    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
    assert mapping["scaling_config"] == {"maximum_concurrency": 3}
    suppressions = template.get("aws_lambda_function").suppressions
    assert {"CKV_AWS_115", "CKV_AWS_116"} <= {*suppressions}
    assert statements(template)["ConsumeQueue"]["Resource"] == mapping["event_source_arn"]


def test_a_function_without_code_is_rejected(stack: UnitStack, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"received a folder without .py files"):
        create(stack, tmp_path)
