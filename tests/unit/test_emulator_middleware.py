"""Errors of the WSGI middleware: unimplemented operations and requests of web pages."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest


@pytest.fixture(scope="module")
def middleware() -> Any:
    """The module under test; it imports moto for seconds, so that only these tests import it."""
    return import_module("tools.emulator.middleware")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        pytest.param(
            ("sqs", "POST", "/", "AmazonSQS.ListQueues", ""), "sqs.ListQueues", id="target header"
        ),
        pytest.param(
            ("ec2", "POST", "/", "", "DescribeVpcs"), "ec2.DescribeVpcs", id="action parameter"
        ),
        pytest.param(
            ("guardduty", "GET", "/detector", "", ""), "guardduty GET /detector", id="path"
        ),
    ],
)
def test_operation_name_contains_service_and_operation_or_path(
    arguments: tuple[str, str, str, str, str], name: str, middleware: Any
) -> None:
    assert middleware.operation_name(*arguments) == name


@pytest.mark.parametrize(
    ("service", "content_type", "start"),
    [
        ("sqs", "application/json", '{"__type"'),
        ("s3", "application/xml", "<Error>"),
        ("ec2", "text/xml", "<Response><Errors>"),
        ("iam", "text/xml", "<ErrorResponse>"),
        ("no-such-service", "application/json", '{"__type"'),
    ],
)
def test_error_document_follows_the_protocol_of_the_service(
    service: str, content_type: str, start: str
) -> None:
    errors = import_module("tools.emulator.validation.errors")
    received, body = errors.error_document(service, "ExampleCode", "a < b")
    assert received == content_type
    assert body.startswith(start)
    assert "ExampleCode" in body
    assert ("a < b" in body) is (content_type == "application/json")


def respond(middleware: Any, path: str, **headers: str) -> tuple[str, bytes]:
    """Send a GET request to the application and return status and body."""
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> None:
        statuses.append(status)

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "HTTP_HOST": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        **headers,
    }
    body = b"".join(middleware.Application()(environ, start_response))
    return statuses[0], body


def test_unknown_service_returns_status_501_and_its_name(middleware: Any) -> None:
    scope = "Credential=test/20260101/us-east-1/no-such-service/aws4_request"
    status, body = respond(
        middleware, "/thing", HTTP_AUTHORIZATION=f"AWS4-HMAC-SHA256 {scope}, Signature=0"
    )
    assert status.startswith("501 ")
    assert json.loads(body)["__type"] == middleware.ERROR_CODE
    assert "no-such-service GET /thing" in json.loads(body)["message"]


def test_code_of_an_unknown_function_returns_status_404(middleware: Any) -> None:
    status, body = respond(middleware, "/emulator/lambda-code/123456789012/us-east-1/absent")
    assert status.startswith("404 ")
    assert body == b"no such function\n"


# ---- Host and Origin ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_HOST": "127.0.0.1:4566"},
        {"HTTP_HOST": "localhost:4566"},
        {"HTTP_HOST": "[::1]:4566"},
        {"HTTP_HOST": "bucket.localhost:4566"},
        {"HTTP_HOST": "123456789012.127.0.0.1:4566"},
        {"HTTP_HOST": "bucket.s3.eu-west-1.amazonaws.com"},
        {"HTTP_HOST": "123456789012.s3-control.us-east-1.amazonaws.com:4566"},
        {"HTTP_HOST": "127.0.0.1:4566", "HTTP_ORIGIN": "http://127.0.0.1:4566"},
        {"HTTP_HOST": "127.0.0.1:4566", "HTTP_SEC_FETCH_SITE": "none"},
    ],
)
def test_request_of_an_aws_client_is_accepted(headers: dict[str, str]) -> None:
    origin = import_module("tools.emulator.validation.origin")
    assert origin.rejection(headers) is None


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({}, "Host: received ''"),
        ({"HTTP_HOST": "rebound.example.com:4566"}, "Host: received 'rebound.example.com:4566'"),
        ({"HTTP_HOST": "amazonaws.com.example.com"}, "Host: "),
        ({"HTTP_HOST": "127.0.0.1.example.com"}, "Host: "),
        ({"HTTP_HOST": "notlocalhost"}, "Host: "),
        (
            {"HTTP_HOST": "127.0.0.1:4566", "HTTP_ORIGIN": "https://example.com"},
            "Origin: received 'https://example.com'; accepted: no header, or http://127.0.0.1:4566",
        ),
        ({"HTTP_HOST": "127.0.0.1:4566", "HTTP_ORIGIN": "http://127.0.0.1:80"}, "Origin: "),
        ({"HTTP_HOST": "127.0.0.1:4566", "HTTP_ORIGIN": "null"}, "Origin: received 'null'"),
        (
            {"HTTP_HOST": "127.0.0.1:4566", "HTTP_SEC_FETCH_SITE": "cross-site"},
            "Sec-Fetch-Site: received 'cross-site'",
        ),
    ],
)
def test_request_of_a_web_page_is_rejected(headers: dict[str, str], field: str) -> None:
    origin = import_module("tools.emulator.validation.origin")
    assert str(origin.rejection(headers)).startswith(field)


@pytest.mark.parametrize("path", ["/", "/moto-api/data.json", "/emulator/lambda-code/1/a/b"])
def test_web_page_of_another_site_receives_status_403(path: str, middleware: Any) -> None:
    status, body = respond(middleware, path, HTTP_ORIGIN="https://example.com")
    assert status.startswith("403 ")
    assert b"Origin: received 'https://example.com'" in body
