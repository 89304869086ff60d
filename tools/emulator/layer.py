"""The WSGI layer around moto: what the emulator cannot answer is refused at once, with its name.

moto answers an unimplemented call, and any slip of its own, with status 500. AWS clients take 500
for a passing fault and try again, Terraform's provider for ten minutes and more. 501 is final.
"""

# WSGI and moto pass untyped things around.
# ruff: noqa: ANN401

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from flask import Flask, Response, request
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import HTTPException

from tools.emulator.gaps.awslambda import CODE_PATH, code_at

log = logging.getLogger("emulator")

StartResponse = Callable[..., Any]


def call_name(service: str, method: str, path: str, target: str, action: str) -> str:
    """Name an API call as ``service.Operation``, or by method and path where it has no name."""
    operation = target.rpartition(".")[2] or action
    return f"{service}.{operation}" if operation else f"{service} {method} {path}"


def refusal(service: str, message: str) -> tuple[str, str]:
    """Return content type and body of an error in the form that the service's clients read."""
    code = "EmulatorCannot"
    try:
        protocol = get_service_model(service).protocol
    except Exception:
        protocol = "json"
    if protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return "application/json", json.dumps({"__type": code, "message": message})
    error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return "application/xml", f"<Error>{error}</Error>"
    if protocol == "ec2":
        return "text/xml", f"<Response><Errors><Error>{error}</Error></Errors></Response>"
    return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"


def _signing_service(authorization: str) -> str:
    # Credential=KEY/20260101/us-east-1/SERVICE/aws4_request
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return scope[3].lower() if len(scope) == 5 else "s3"


def _refuse(service: str, name: str, reason: str) -> Response:
    message = f"the emulator cannot answer {name}: {reason}"
    log.error("501 %s", message)
    content_type, body = refusal(service, message)
    # With this header JSON clients name the error; without it they only say "501".
    headers = {"X-Amzn-ErrorType": "EmulatorCannot"}
    return Response(body, status=501, content_type=content_type, headers=headers)


def _on_error(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and request.routing_exception is None:
        return error
    service = _signing_service(request.headers.get("Authorization", ""))
    action = request.values.get("Action", "")
    target = request.headers.get("X-Amz-Target", "")
    name = call_name(service, request.method, request.path, target, action)
    if request.routing_exception is not None:
        return _refuse(service, name, "moto knows no such call")
    if isinstance(error, NotImplementedError):
        return _refuse(service, name, str(error) or "not implemented in moto")
    log.error("moto failed in %s\n%s", name, traceback.format_exc())
    return _refuse(service, name, f"moto failed with {type(error).__name__}: {error}")


def _create_app(service: Any) -> Flask:
    app = create_backend_app(service)
    app.register_error_handler(Exception, _on_error)
    return app


def _lambda_code(path: str) -> Response:
    try:
        return Response(code_at(path), content_type="application/zip")
    except Exception:
        return Response("no such function\n", status=404, content_type="text/plain")


class Application:
    """The whole emulated AWS as one WSGI application."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(_create_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(CODE_PATH):
            return _lambda_code(environ["PATH_INFO"])(environ, start_response)
        try:
            app = self._moto.get_application(environ)
        except Exception:
            service = _signing_service(environ.get("HTTP_AUTHORIZATION", ""))
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
            name = call_name(service, method, path, target, "")
            answer = _refuse(service, name, f"moto knows no service {service!r}")
            return answer(environ, start_response)
        return app(environ, start_response)
