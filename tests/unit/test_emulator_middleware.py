"""Errors of the WSGI middleware for operations that moto does not implement."""

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
    service: str, content_type: str, start: str, middleware: Any
) -> None:
    received, body = middleware.error_document(service, "a < b")
    assert received == content_type
    assert body.startswith(start)
    assert middleware.ERROR_CODE in body
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
