"""The WSGI middleware around moto: status 501 for operations that moto does not implement.

moto answers an unimplemented operation, and each of its own errors, with status 500. AWS clients
retry a request after status 500; Terraform's provider does so for ten minutes and more. No client
retries after status 501.
"""

# WSGI and moto pass untyped objects.
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

from tools.emulator.moto_patches.awslambda import CODE_PATH, read_function_code

ERROR_CODE = "NotImplementedByEmulator"

log = logging.getLogger("emulator")

StartResponse = Callable[..., Any]


def operation_name(service: str, method: str, path: str, target: str, action: str) -> str:
    """Return ``service.Operation``, or ``service METHOD /path`` for a REST protocol."""
    operation = target.rpartition(".")[2] or action
    return f"{service}.{operation}" if operation else f"{service} {method} {path}"


def error_document(service: str, message: str) -> tuple[str, str]:
    """Return content type and body of an error in the protocol of a service."""
    try:
        protocol = get_service_model(service).protocol
    except Exception:
        protocol = "json"
    if protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return "application/json", json.dumps({"__type": ERROR_CODE, "message": message})
    error = f"<Code>{ERROR_CODE}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return "application/xml", f"<Error>{error}</Error>"
    if protocol == "ec2":
        return "text/xml", f"<Response><Errors><Error>{error}</Error></Errors></Response>"
    return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"


def _signing_service(authorization: str) -> str:
    # Credential=KEY/20260101/us-east-1/SERVICE/aws4_request
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return scope[3].lower() if len(scope) == 5 else "s3"


def _not_implemented(service: str, operation: str, reason: str) -> Response:
    message = f"the emulator does not implement {operation}: {reason}"
    log.error("501 %s", message)
    content_type, body = error_document(service, message)
    # Clients of the JSON protocols read the error code from this header.
    headers = {"X-Amzn-ErrorType": ERROR_CODE}
    return Response(body, status=501, content_type=content_type, headers=headers)


def _handle_error(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and request.routing_exception is None:
        return error
    service = _signing_service(request.headers.get("Authorization", ""))
    action = request.values.get("Action", "")
    target = request.headers.get("X-Amz-Target", "")
    operation = operation_name(service, request.method, request.path, target, action)
    if request.routing_exception is not None:
        return _not_implemented(service, operation, "moto has no such operation")
    if isinstance(error, NotImplementedError):
        return _not_implemented(service, operation, str(error) or "not implemented in moto")
    log.error("moto failed in %s\n%s", operation, traceback.format_exc())
    return _not_implemented(service, operation, f"moto failed with {type(error).__name__}: {error}")


def _create_service_app(service: Any) -> Flask:
    app = create_backend_app(service)
    app.register_error_handler(Exception, _handle_error)
    return app


def _function_code_response(path: str) -> Response:
    try:
        return Response(read_function_code(path), content_type="application/zip")
    except Exception:
        return Response("no such function\n", status=404, content_type="text/plain")


class Application:
    """The WSGI application of the emulator: moto, its errors, and downloads of function code."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(_create_service_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(CODE_PATH):
            return _function_code_response(environ["PATH_INFO"])(environ, start_response)
        try:
            app = self._moto.get_application(environ)
        except Exception:
            service = _signing_service(environ.get("HTTP_AUTHORIZATION", ""))
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
            operation = operation_name(service, method, path, target, "")
            response = _not_implemented(service, operation, f"moto has no service {service!r}")
            return response(environ, start_response)
        return app(environ, start_response)
