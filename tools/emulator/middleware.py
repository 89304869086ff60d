"""The WSGI middleware around moto: validation, and status 501 for unimplemented operations.

Requests of web pages are rejected with status 403 (``validation.origin``), and requests that AWS
rejects with an error of the service (``validation``).

moto answers an unimplemented operation, and each of its own errors, with status 500. AWS clients
retry a request after status 500; Terraform's provider does so for ten minutes and more. No client
retries after status 501.
"""

# WSGI and moto pass untyped objects.
# ruff: noqa: ANN401

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import HTTPException

from tools.emulator.moto_patches.awslambda import CODE_PATH, read_function_code
from tools.emulator.validation import origin, reject
from tools.emulator.validation.errors import error_response

ERROR_CODE = "NotImplementedByEmulator"

# Applications of moto that are not AWS services.
_INTERNAL_APPS = ("moto_api", "instance_metadata")

log = logging.getLogger("emulator")

StartResponse = Callable[..., Any]


def operation_name(service: str, method: str, path: str, target: str, action: str) -> str:
    """Return ``service.Operation``, or ``service METHOD /path`` for a REST protocol."""
    operation = target.rpartition(".")[2] or action
    return f"{service}.{operation}" if operation else f"{service} {method} {path}"


def _signing_service(authorization: str) -> str:
    # Credential=KEY/20260101/us-east-1/SERVICE/aws4_request
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return scope[3].lower() if len(scope) == 5 else "s3"


def _not_implemented(service: str, operation: str, reason: str) -> Response:
    message = f"the emulator does not implement {operation}: {reason}"
    log.error("501 %s", message)
    return error_response(service, ERROR_CODE, message, 501)


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
    if service not in _INTERNAL_APPS:
        app.before_request(lambda: reject(service, request))
    return app


def _function_code_response(path: str) -> Response:
    try:
        return Response(read_function_code(path), content_type="application/zip")
    except Exception:
        return Response("no such function\n", status=404, content_type="text/plain")


class Application:
    """The WSGI application of the emulator: moto behind validation, and function code."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(_create_service_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reason = origin.rejection(environ)
        if reason is not None:
            log.error("403 %s", reason)
            response = Response(f"{reason}\n", status=403, content_type="text/plain")
            return response(environ, start_response)
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
