"""Applies all constraints to a request and returns the error response."""

# Flask's request has no useful type here: moto extends it.
# ruff: noqa: ANN401

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from flask import Response

from tools.emulator.validation import account, members, shapes
from tools.emulator.validation.errors import codes_of, error_response
from tools.emulator.validation.exceptions import is_unenforced
from tools.emulator.validation.requests import ApiRequest, MalformedRequestError, read_request
from tools.emulator.validation.shapes import Violation

log = logging.getLogger("emulator")


def reject(service: str, request: Any) -> Response | None:
    """Return the error response for a request that AWS rejects; None for one that it accepts."""
    try:
        api_request = read_request(service, request)
    except MalformedRequestError as error:
        log.error("400 %s %s: %s", service, request.path, error)
        return error_response(service, codes_of(service).malformed, str(error), 400)
    if api_request is None:
        log.info("not validated: %s %s %s", service, request.method, request.path)
        return None
    found = list(find_violations(api_request))
    if not found:
        return None
    codes = codes_of(api_request.service)
    code = found[0].code or (codes.missing if found[0].kind == "required" else codes.invalid)
    message = describe(api_request, found)
    log.error("%d %s", found[0].status, message)
    return error_response(api_request.service, code, message, found[0].status)


def find_violations(request: ApiRequest) -> Iterator[Violation]:
    """Yield the violations of the service model and of the two tables that extend it.

    The constraints of the account apply only to a request that is valid in itself, as in AWS.
    """
    found = [
        one
        for one in (*shapes.violations(request), *members.violations(request))
        if not is_unenforced(request.service, request.operation, one)
    ]
    yield from found or account.violations(request)


def describe(request: ApiRequest, found: list[Violation]) -> str:
    """Return the message of an error: operation, and member, value and constraint of each."""
    errors = "error" if len(found) == 1 else "errors"
    details = "; ".join(str(one) for one in found)
    return f"{request.name}: {len(found)} validation {errors} detected: {details}"
