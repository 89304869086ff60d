"""Error responses in the protocol of a service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.sax.saxutils import escape

from flask import Response
from moto.core.utils import get_service_model


@dataclass(frozen=True)
class Codes:
    """Error codes of a service for a member that is invalid, missing, or in a malformed body."""

    invalid: str
    missing: str
    malformed: str


_PROTOCOL_CODES = {
    "query": Codes("ValidationError", "ValidationError", "MalformedInput"),
    "ec2": Codes("InvalidParameterValue", "MissingParameter", "InvalidParameterValue"),
    "json": Codes("ValidationException", "ValidationException", "SerializationException"),
    "rest-json": Codes("ValidationException", "ValidationException", "SerializationException"),
    "rest-xml": Codes("InvalidInput", "InvalidInput", "MalformedInput"),
}
# Services whose codes differ from those of their protocol, from "Common errors" of the API
# reference of each service.
_SERVICE_CODES = {
    "apigateway": Codes("BadRequestException", "BadRequestException", "SerializationException"),
    "logs": Codes(
        "InvalidParameterException", "InvalidParameterException", "SerializationException"
    ),
    "rds": Codes("InvalidParameterValue", "MissingParameter", "MalformedInput"),
    "s3": Codes("InvalidArgument", "MalformedXML", "MalformedXML"),
    "s3control": Codes("InvalidRequest", "MalformedXML", "MalformedXML"),
    "sns": Codes("InvalidParameter", "InvalidParameter", "MalformedInput"),
    "sqs": Codes("InvalidParameterValue", "MissingParameter", "SerializationException"),
}


def protocol_of(service: str) -> str:
    """Return the protocol of a service in botocore; ``json`` for one that it does not have."""
    try:
        return str(get_service_model(service).protocol)
    except Exception:
        return "json"


def codes_of(service: str) -> Codes:
    """Return the error codes of a service."""
    if service in _SERVICE_CODES:
        return _SERVICE_CODES[service]
    return _PROTOCOL_CODES.get(protocol_of(service), _PROTOCOL_CODES["json"])


def error_document(service: str, code: str, message: str) -> tuple[str, str]:
    """Return content type and body of an error in the protocol of a service."""
    protocol = protocol_of(service)
    if protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return "application/json", json.dumps({"__type": code, "message": message})
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return "application/xml", f"<Error>{error}</Error>"
    if protocol == "ec2":
        return "text/xml", f"<Response><Errors><Error>{error}</Error></Errors></Response>"
    return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"


def error_response(service: str, code: str, message: str, status: int) -> Response:
    """Return an error response in the protocol of a service."""
    content_type, body = error_document(service, code, message)
    # Clients of the JSON protocols read the error code from this header.
    headers = {"X-Amzn-ErrorType": code}
    return Response(body, status=status, content_type=content_type, headers=headers)
