"""SSM parameters: names under one prefix, and secrets that are not in the state."""

from __future__ import annotations

import pytest

from lib.compute.parameters import Parameters
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tests.unit.conftest import UnitStack


@pytest.fixture
def parameters(stack: UnitStack) -> Parameters:
    return Parameters(stack, "Parameters", context=stack.context)


def test_value_of_a_string_parameter_is_visible_in_plans(
    stack: UnitStack, parameters: Parameters
) -> None:
    parameters.text("bucket/name", "some-bucket")
    parameter = stack.template().get("aws_ssm_parameter", "Parameters/bucket-name")
    assert (parameter["name"], parameter["type"]) == ("/tap-unit/bucket/name", "String")
    assert parameter["insecure_value"] == "some-bucket"
    assert not {"value", "key_id"} & {*parameter.body}
    assert parameter["tags"] == {"Name": "bucket-name-parameter-unit"}
    assert {*parameter.suppressions} == {"CKV2_AWS_34"}


def test_value_of_a_secret_is_write_only_and_encrypted(
    stack: UnitStack, parameters: Parameters
) -> None:
    parameters.secret("database/url", "postgresql://", 4)
    template = stack.template()
    parameter = template.get("aws_ssm_parameter", "Parameters/database-url")
    assert (parameter["name"], parameter["type"]) == ("/tap-unit/database/url", "SecureString")
    assert parameter["key_id"] == template.get("aws_kms_key").ref("arn")
    assert (parameter["value_wo"], parameter["value_wo_version"]) == ("postgresql://", 4)
    assert not {"value", "insecure_value", "lifecycle"} & {*parameter.body}
    assert parameter.suppressions == {}


def test_secret_is_replaced_with_another_resource(stack: UnitStack, parameters: Parameters) -> None:
    parameters.secret("one", "of it", 1, replace_with="aws_vpc.Network.id")
    parameter = stack.template().get("aws_ssm_parameter")
    # Terraform requires an address here, not a reference.
    assert parameter["lifecycle"] == {"replace_triggered_by": ["aws_vpc.Network.id"]}


def test_web_stack_creates_its_parameters_under_its_prefix(synth: Synthesizer) -> None:
    web: Template = synth("web")
    address = web.get("aws_db_instance").ref("address")
    by_name = {one["name"]: one for one in web.of_type("aws_ssm_parameter")}
    assert all(name.startswith("/web-unit/") for name in by_name)
    assert by_name["/web-unit/database/endpoint"]["insecure_value"] == address
    bucket = web.get("aws_s3_bucket", "Data").ref("bucket")
    assert by_name["/web-unit/bucket/name"]["insecure_value"] == bucket
    secrets = [name for name, one in by_name.items() if one["type"] == "SecureString"]
    assert secrets == ["/web-unit/database/url"]
