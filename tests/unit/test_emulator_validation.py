"""The emulator rejects requests that violate the service models of botocore."""

from __future__ import annotations

import gzip
import json
from importlib import import_module
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.in_process_emulator import client, load_application, send

# The services of the stacks and of the tools.
SERVICES = (
    *("acm", "apigateway", "application-autoscaling", "autoscaling", "cloudtrail", "cloudwatch"),
    *("config", "ec2", "elbv2", "events", "iam", "kms", "lambda", "logs", "rds", "route53", "s3"),
    *("s3control", "secretsmanager", "securityhub", "sns", "sqs", "ssm", "sts", "wafv2"),
)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
FUNCTION = {
    "FunctionName": "example",
    "Role": "arn:aws:iam::123456789012:role/example",
    "Code": {"ZipFile": b"zip"},
    "Runtime": "python3.11",
    "Handler": "main.handler",
}
WEB_ACL = {
    "Name": "example",
    "Scope": "REGIONAL",
    "DefaultAction": {"Allow": {}},
    "VisibilityConfig": {
        "SampledRequestsEnabled": True,
        "CloudWatchMetricsEnabled": True,
        "MetricName": "example",
    },
}
REPORTED = "AWS's managed rules in front of the web application"


@pytest.fixture(scope="module")
def application() -> Any:
    """The WSGI application; it imports moto for seconds, so that only these tests import it."""
    return load_application()


def error(application: Any, service: str, operation: str, arguments: dict[str, Any]) -> Any:
    """Send a request that must fail with status 400, and return code and message."""
    with pytest.raises(ClientError) as caught:
        getattr(client(application, service), operation)(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    received = caught.value.response["Error"]
    return received["Code"], received["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "message"),
    [
        pytest.param(
            "ec2",
            "run_instances",
            {"ImageId": "ami-1", "MinCount": 1, "MaxCount": "many"},
            "InvalidParameterValue",
            "ec2.RunInstances: 1 validation error detected: Value 'many' at 'MaxCount' failed to"
            " satisfy constraint: Member must be an integer",
            id="ec2 type",
        ),
        pytest.param(
            "ec2",
            "create_vpc",
            {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "shared"},
            "InvalidParameterValue",
            "Value 'shared' at 'InstanceTenancy' failed to satisfy constraint: Member must satisfy"
            " enum value set: [default, dedicated, host]",
            id="ec2 enum",
        ),
        pytest.param(
            "ec2",
            "create_volume",
            {
                "AvailabilityZone": "us-east-1a",
                "Size": 1,
                "TagSpecifications": [
                    {"ResourceType": "volume", "Tags": []},
                    {"ResourceType": "disk"},
                ],
            },
            "InvalidParameterValue",
            "Value 'disk' at 'TagSpecifications[1].ResourceType'",
            id="ec2 list",
        ),
        pytest.param(
            "ec2",
            "delete_vpc",
            {},
            "MissingParameter",
            "ec2.DeleteVpc: 1 validation error detected: Value null at 'VpcId' failed to satisfy"
            " constraint: Member must not be null",
            id="ec2 required",
        ),
        pytest.param(
            "iam",
            "create_role",
            {"RoleName": "x" * 65, "AssumeRolePolicyDocument": TRUST},
            "ValidationError",
            "at 'RoleName' failed to satisfy constraint: Member must have length less than or equal"
            " to 64",
            id="query length",
        ),
        pytest.param(
            "iam",
            "create_role",
            {"RoleName": "a b"},
            "ValidationError",
            "iam.CreateRole: 2 validation errors detected: Value null at"
            " 'AssumeRolePolicyDocument'",
            id="query required and pattern",
        ),
        pytest.param(
            "iam",
            "tag_role",
            {"RoleName": "a", "Tags": [{"Key": "a", "Value": "b"}, {"Key": "", "Value": "b"}]},
            "ValidationError",
            "Value '' at 'Tags[1].Key' failed to satisfy constraint: Member must have length"
            " greater than or equal to 1",
            id="query list",
        ),
        pytest.param(
            "rds",
            "create_db_cluster",
            {"Engine": "aurora-postgresql"},
            "MissingParameter",
            "Value null at 'DBClusterIdentifier'",
            id="rds required",
        ),
        pytest.param(
            "wafv2",
            "create_web_acl",
            WEB_ACL | {"Description": REPORTED},
            "ValidationException",
            f"wafv2.CreateWebACL: 1 validation error detected: Value '{REPORTED}' at 'Description'"
            " failed to satisfy constraint: Member must satisfy regular expression pattern:"
            " ^[\\w+=",
            id="json pattern",
        ),
        pytest.param(
            "kms",
            "schedule_key_deletion",
            {"KeyId": "1", "PendingWindowInDays": 400},
            "ValidationException",
            "Value '400' at 'PendingWindowInDays' failed to satisfy constraint: Member must have"
            " value less than or equal to 365",
            id="json range",
        ),
        pytest.param(
            "logs",
            "create_log_group",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            "Value 'a b' at 'logGroupName'",
            id="json code of the service",
        ),
        pytest.param(
            "logs",
            "create_log_group",
            {"logGroupName": "a", "tags": {"key?": "value"}},
            "InvalidParameterException",
            "Value 'key?' at 'tags.key'",
            id="json map",
        ),
        pytest.param(
            "lambda",
            "create_function",
            FUNCTION | {"Timeout": 0},
            "ValidationException",
            "lambda.CreateFunction: 1 validation error detected: Value '0' at 'Timeout' failed to"
            " satisfy constraint: Member must have value greater than or equal to 1",
            id="rest-json body",
        ),
        pytest.param(
            "lambda",
            "get_function",
            {"FunctionName": "a b"},
            "ValidationException",
            "Value 'a b' at 'FunctionName'",
            id="rest-json path",
        ),
        pytest.param(
            "lambda",
            "list_functions",
            {"MaxItems": 20000},
            "ValidationException",
            "Value '20000' at 'MaxItems'",
            id="rest-json query string",
        ),
        pytest.param(
            "s3",
            "put_bucket_versioning",
            {"Bucket": "example", "VersioningConfiguration": {"Status": "On"}},
            "InvalidArgument",
            "Value 'On' at 'VersioningConfiguration.Status'",
            id="rest-xml body",
        ),
        pytest.param(
            "s3",
            "put_bucket_lifecycle_configuration",
            {
                "Bucket": "example",
                "LifecycleConfiguration": {
                    "Rules": [{"Status": "Enabled"}, {"Expiration": {"Days": "many"}}]
                },
            },
            "MalformedXML",
            "Value null at 'LifecycleConfiguration.Rules[1].Status'",
            id="rest-xml flattened list",
        ),
        pytest.param(
            "s3",
            "put_object",
            {"Bucket": "example", "Key": "a", "StorageClass": "COLD"},
            "InvalidArgument",
            "Value 'COLD' at 'StorageClass'",
            id="rest-xml header",
        ),
        pytest.param(
            "route53",
            "create_hosted_zone",
            {"Name": "x" * 1025, "CallerReference": "1"},
            "InvalidInput",
            "route53.CreateHostedZone: 1 validation error detected: Value 'xxx",
            id="rest-xml length",
        ),
    ],
)
def test_invalid_member_is_rejected_with_operation_member_value_and_constraint(
    application: Any,
    service: str,
    operation: str,
    arguments: dict[str, Any],
    code: str,
    message: str,
) -> None:
    received_code, received = error(application, service, operation, arguments)
    assert received_code == code
    assert message in received


def signed(service: str, **headers: str) -> dict[str, str]:
    """Headers of a request that is signed for a service."""
    scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
    return {"Host": "127.0.0.1", "Authorization": authorization, **headers}


def test_json_null_counts_as_absent(application: Any) -> None:
    headers = signed("kms") | {
        "X-Amz-Target": "TrentService.DescribeKey",
        "Content-Type": "application/x-amz-json-1.1",
    }
    status, _, body = send(application, "POST", "/", headers=headers, body=b'{"KeyId": null}')
    assert status == 400
    assert "Value null at 'KeyId'" in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"KeyId": 5}, "a string"),
        ({"KeyId": "a", "GrantTokens": "b"}, "a list"),
        ([], "a structure"),
    ],
)
def test_wrong_json_type_is_rejected(application: Any, value: Any, expected: str) -> None:
    headers = signed("kms") | {
        "X-Amz-Target": "TrentService.DescribeKey",
        "Content-Type": "application/x-amz-json-1.1",
    }
    body = json.dumps(value).encode()
    status, _, received = send(application, "POST", "/", headers=headers, body=body)
    assert status == 400
    assert f"Member must be {expected}" in json.loads(received)["message"]


def test_target_without_the_prefix_of_botocore_is_validated(application: Any) -> None:
    headers = signed("cloudtrail") | {
        "X-Amz-Target": "CloudTrail_20131101.StartLogging",
        "Content-Type": "application/x-amz-json-1.1",
    }
    status, _, body = send(application, "POST", "/", headers=headers, body=b"{}")
    assert status == 400
    assert "cloudtrail.StartLogging: 1 validation error" in json.loads(body)["message"]


def test_malformed_json_is_rejected(application: Any) -> None:
    headers = signed("kms") | {
        "X-Amz-Target": "TrentService.DescribeKey",
        "Content-Type": "application/x-amz-json-1.1",
    }
    status, received, _ = send(application, "POST", "/", headers=headers, body=b'{"KeyId": ')
    assert (status, received["X-Amzn-ErrorType"]) == (400, "SerializationException")


def test_malformed_xml_is_rejected(application: Any) -> None:
    status, _, body = send(
        application, "PUT", "/example?versioning", headers=signed("s3"), body=b"<Versioning"
    )
    assert status == 400
    assert b"<Code>MalformedXML</Code>" in body


def test_compressed_request_is_validated(application: Any) -> None:
    headers = signed("kms") | {
        "X-Amz-Target": "TrentService.DescribeKey",
        "Content-Type": "application/x-amz-json-1.1",
        "Content-Encoding": "gzip",
    }
    body = gzip.compress(b'{"KeyId": ""}')
    status, _, received = send(application, "POST", "/", headers=headers, body=body)
    assert status == 400
    assert "Value '' at 'KeyId'" in json.loads(received)["message"]


def test_sensitive_value_is_not_in_the_message(application: Any) -> None:
    _, message = error(
        application, "secretsmanager", "create_secret", {"Name": "a", "SecretString": "x" * 65537}
    )
    assert "Value (sensitive) at 'SecretString'" in message


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        pytest.param("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, id="ec2"),
        pytest.param(
            "iam",
            "create_role",
            {"RoleName": "valid", "AssumeRolePolicyDocument": TRUST, "Tags": []},
            id="query",
        ),
        pytest.param("kms", "create_key", {"Description": "The project's key"}, id="json"),
        pytest.param(
            "apigateway", "create_rest_api", {"name": "valid", "tags": {"a": "b"}}, id="rest-json"
        ),
        pytest.param(
            "s3",
            "create_bucket",
            {"Bucket": "valid-bucket", "ObjectOwnership": "BucketOwnerEnforced"},
            id="rest-xml",
        ),
        pytest.param(
            "cloudwatch",
            "put_metric_data",
            {"Namespace": "a", "MetricData": [{"MetricName": "b", "Value": 1.5}]},
            id="json of a service with several protocols",
        ),
    ],
)
def test_valid_request_is_accepted(
    application: Any, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    response = getattr(client(application, service), operation)(**arguments)
    assert response["ResponseMetadata"]["HTTPStatusCode"] in (200, 201)


def union_request(values: dict[str, Any]) -> Any:
    """A request whose input is a union of two strings."""
    requests = import_module("tools.emulator.validation.requests")
    model = import_module("moto.core.model").ServiceModel(
        {
            "metadata": {},
            "operations": {},
            "shapes": {
                "Input": {
                    "type": "structure",
                    "union": True,
                    "members": {"One": {"shape": "Text"}, "Other": {"shape": "Text"}},
                },
                "Text": {"type": "string"},
            },
        }
    )
    return requests.ApiRequest("example", "Choose", model.shape_for("Input"), values)


@pytest.mark.parametrize(
    ("values", "count"), [({}, 1), ({"One": "a"}, 0), ({"One": "a", "Other": "b"}, 1)]
)
def test_union_has_exactly_one_member(values: dict[str, str], count: int) -> None:
    shapes = import_module("tools.emulator.validation.shapes")
    found = [one.kind for one in shapes.violations(union_request(values))]
    assert found == ["union"] * count


# ---- patterns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_python_compiles_every_pattern_of_the_services(service: str) -> None:
    patterns = import_module("tools.emulator.validation.patterns")
    model = import_module("moto.core.utils").get_service_model(service)
    found = {
        shape.metadata["pattern"]
        for shape in map(model.shape_for, model.shape_names)
        if "pattern" in shape.metadata
    }
    assert [one for one in found if patterns.compiled(one) is None] == []


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        (r"[\w-_]*", "a-_", True),
        (r"[\w-_]*", "a.", False),
        (r"\w", "é", False),
        (r"[\p{L}\p{Z}_]*", "Größe Δ", True),
        (r"[\p{L}\p{Z}_]*", "a1", False),
        (r"\p{L}+", "é", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]*", "a\U0001f600", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]*", "a\n", False),
        ("a|b", "ab", False),
        ("(", "anything", True),
    ],
)
def test_pattern_of_java_matches_the_whole_value(pattern: str, value: str, expected: bool) -> None:
    patterns = import_module("tools.emulator.validation.patterns")
    assert patterns.matches(pattern, value) is expected


# ---- exceptions ---------------------------------------------------------------------------------


def test_every_exception_excludes_a_constraint_of_the_model() -> None:
    exceptions = import_module("tools.emulator.validation.exceptions").EXCEPTIONS
    get_model = import_module("moto.core.utils").get_service_model
    keys = {
        "enum": ("enum",),
        "pattern": ("pattern",),
        "length": ("min", "max"),
        "range": ("min", "max"),
    }
    for one in exceptions:
        model = get_model(one.service)
        operations = model.operation_names if one.operation == "*" else [one.operation]
        found = [
            shape
            for name in operations
            if (shape := member_shape(model.operation_model(name).input_shape, one.member))
        ]
        assert found, one
        if one.kind == "required":
            continue
        assert any(key in shape.metadata for shape in found for key in keys.get(one.kind, ())), one
        assert len(one.reason.split()) > 3, one


def test_exception_excludes_one_kind_of_constraint_of_a_member(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exceptions = import_module("tools.emulator.validation.exceptions")
    row = exceptions.Unenforced(
        "kms", "*", "GrantTokens[]", "length", "AWS accepts it in this test"
    )
    describe_key = client(application, "kms").describe_key
    with pytest.raises(ClientError, match=r"at 'GrantTokens\[0\]'"):
        describe_key(KeyId="1", GrantTokens=[""])
    monkeypatch.setattr(exceptions, "EXCEPTIONS", (row,))
    with pytest.raises(ClientError, match="NotFoundException"):
        describe_key(KeyId="1", GrantTokens=[""])
    with pytest.raises(ClientError, match="at 'KeyId'"):
        describe_key(KeyId="", GrantTokens=[""])


def member_shape(shape: Any, path: str) -> Any:
    """The shape at a path such as ``Rules[].Name``; None if there is none."""
    for part in path.split("."):
        members = getattr(shape, "members", {})
        shape = members.get(part.replace("[]", ""))
        for _ in range(part.count("[]")):
            shape = getattr(shape, "member", None) or getattr(shape, "value", None)
    return shape
