"""boto3 clients that send requests to the emulator's WSGI application in this process."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

Application = Callable[..., Any]
ENDPOINT = "http://127.0.0.1:4566"


def load_application() -> Application:
    """Return the emulator's WSGI application; the import of moto takes seconds."""
    application: Application = import_module("tools.emulator.middleware").Application()
    return application


class _Body(io.BytesIO):
    """The body of a response, as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def send(
    application: Application,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> tuple[int, dict[str, str], bytes]:
    """Send a request to a WSGI application and return status, headers and body."""
    path, _, query = path.partition("?")
    builder = EnvironBuilder(
        path=path, query_string=query, method=method, headers=Headers(dict(headers)), data=body
    )
    chunks, status, received = run_wsgi_app(application, builder.get_environ())
    return int(status.split()[0]), dict(received), b"".join(chunks)


def client(
    application: Application,
    service: str,
    *,
    headers: Mapping[str, str] | None = None,
    region: str = "us-east-1",
) -> Any:
    """Return a client that validates no parameter itself; ``headers`` are added to requests."""
    session: Any = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=region
    )
    created = session.client(
        service,
        endpoint_url=ENDPOINT,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )

    def respond(request: Any, **_: object) -> AWSResponse:
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        given = {
            name: value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        status, received, content = send(
            application,
            request.method,
            request.url.removeprefix(ENDPOINT),
            headers=given | {"Host": "127.0.0.1:4566"} | dict(headers or {}),
            body=body if isinstance(body, bytes) else str(body).encode(),
        )
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(received), _Body(content))

    created.meta.events.register("before-send", respond)
    return created
