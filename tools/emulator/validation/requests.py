"""Reads the input of an API operation from an HTTP request, without converting any value.

The protocols are described at https://smithy.io/2.0/aws/protocols/index.html. ``ApiRequest.values``
has the form of the operation's input shape: dictionaries of members, lists and scalars. Scalars of
JSON have their JSON type; those of the other protocols, and of headers and URLs, are text. A value
that does not have the form of its shape stays as it is, so that ``shapes`` can report its type.
"""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import UnknownServiceError
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

# Names of moto's services that differ from those of botocore.
_BOTOCORE_NAMES = {"awslambda": "lambda", "s3bucket_path": "s3", "apigatewayv2": "apigatewayv2"}
# Elastic Load Balancing has two APIs with one address and different versions.
_ELBV2_VERSION = "2015-12-01"
_NAMESPACE = re.compile(r"\{.*\}")


class MalformedRequestError(Exception):
    """The body of a request is neither JSON nor XML, as the protocol requires."""


@dataclass(frozen=True)
class ApiRequest:
    """One request: service (botocore's name), operation and the members of its input."""

    service: str
    operation: str
    input_shape: Any
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """``service.Operation``, for messages."""
        return f"{self.service}.{self.operation}"


def read_request(service: str, request: Any) -> ApiRequest | None:
    """Return the operation and input of a request; None if botocore has no such operation.

    Raises MalformedRequestError.
    """
    name = _BOTOCORE_NAMES.get(service, service)
    if service == "elb" and request.values.get("Version") == _ELBV2_VERSION:
        name = "elbv2"
    if request.content_encoding == "gzip" and name != "s3":
        # moto decompresses the stream too; it then reads the data that is stored here.
        request.stream = gzip.GzipFile(fileobj=request.stream)
    try:
        model = get_service_model(name)
        protocol = determine_request_protocol(model, request.content_type)
        operation, url_values = _match(name, model, protocol, request)
    except (NotFound, NotImplementedError, UnknownServiceError):
        return None
    shape = operation.input_shape
    values: dict[str, Any] = {}
    if shape is not None:
        if protocol in ("query", "ec2"):
            values = _read_form(shape, _form_tree(request.values), protocol)
        elif protocol == "json":
            values = _read_json(shape, _json_body(request))
        else:
            values = _read_rest(shape, request, url_values, protocol)
    return ApiRequest(name, operation.name, shape, values)


def _match(name: str, model: Any, protocol: str, request: Any) -> tuple[Any, Any]:
    """Return the operation of a request and the values in its URL; raises NotFound."""
    try:
        return get_service_router(name).match(request)
    except NotFound:
        # The SDK for Go sends CloudTrail_20131101.CreateTrail without the prefix of botocore.
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if protocol == "json" and operation in model.operation_names:
            return model.operation_model(operation), {}
        raise


def _wire_name(shape: Any, default: str) -> str:
    return str(shape.serialization.get("name", default))


# ---- query and ec2: `Filter.1.Name=vpc-id` -------------------------------------------------------

_TEXT = ""
"""The key of a node's own text; no part of a parameter name is empty."""


def _form_tree(parameters: Any) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in parameters.items():
        node = root
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[_TEXT] = value
    return root


def _form_name(shape: Any, default: str, protocol: str) -> str:
    if protocol == "ec2":
        name = shape.serialization.get("queryName")
        if name is None:
            name = _wire_name(shape, default)
            name = name[:1].upper() + name[1:]
        return str(name)
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return _wire_name(shape.member, _wire_name(shape, default))
    return _wire_name(shape, default)


def _numbered(node: dict[str, Any]) -> list[Any]:
    numbers = sorted(int(part) for part in node if part.isdigit())
    return [node[str(number)] for number in numbers]


def _read_form(shape: Any, node: dict[str, Any], protocol: str) -> Any:
    if shape.type_name == "structure":
        return {
            name: _read_form(member, node[wire], protocol)
            for name, member in shape.members.items()
            if (wire := _form_name(member, name, protocol)) in node
        }
    if shape.type_name == "list":
        items = node
        if protocol == "query" and not shape.serialization.get("flattened"):
            items = node.get(_wire_name(shape.member, "member")) or node.get("member") or {}
        return [_read_form(shape.member, one, protocol) for one in _numbered(items)]
    if shape.type_name == "map":
        entries = node if shape.serialization.get("flattened") else node.get("entry", {})
        key, value = _wire_name(shape.key, "key"), _wire_name(shape.value, "value")
        return {
            str(one.get(key, {}).get(_TEXT, "")): _read_form(
                shape.value, one.get(value, {_TEXT: ""}), protocol
            )
            for one in _numbered(entries)
        }
    return node.get(_TEXT, "")


# ---- json ---------------------------------------------------------------------------------------


def _json_body(request: Any) -> Any:
    body = request.data
    if not body.strip():
        return {}
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedRequestError(f"the body is not JSON: {error}") from error


def _read_json(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        if shape.is_document_type:
            return value
        return {
            name: _read_json(member, value[wire])
            for name, member in shape.members.items()
            if value.get(wire := _wire_name(member, name)) is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_read_json(shape.member, one) for one in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _read_json(shape.value, one) for key, one in value.items()}
    return value


# ---- rest-json and rest-xml ---------------------------------------------------------------------


def _read_rest(shape: Any, request: Any, url_values: Any, protocol: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire = _wire_name(member, name)
        if location == "uri" and wire in url_values:
            values[name] = url_values[wire]
        elif location == "header" and wire in request.headers:
            values[name] = _split(member, [request.headers[wire]])
        elif location == "headers":
            values[name] = {
                header[len(wire) :]: text
                for header, text in request.headers.items()
                if header.lower().startswith(wire.lower())
            }
        elif location == "querystring":
            if member.type_name == "map":
                values[name] = {
                    key: request.args.getlist(key)
                    if member.value.type_name == "list"
                    else request.args[key]
                    for key in request.args
                }
            elif wire in request.args:
                texts = request.args.getlist(wire)
                values[name] = texts if member.type_name == "list" else texts[0]
    values.update(_read_payload(shape, request, protocol))
    return values


def _split(member: Any, texts: list[str]) -> Any:
    if member.type_name != "list":
        return texts[0]
    return [one.strip() for text in texts for one in text.split(",")]


def _read_payload(shape: Any, request: Any, protocol: str) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        if member.type_name in ("blob", "string"):
            # A stream has no constraint but to be present; that of a large object is not read here.
            return {payload: request.data} if request.content_length else {}
        if not request.data.strip():
            return {}
        return {payload: _read_body(member, request, protocol)}
    if all("location" in member.serialization for member in shape.members.values()):
        return {}
    body = _read_body(shape, request, protocol) if request.data.strip() else {}
    # A body that is not an object is an error of its own.
    if not isinstance(body, dict):
        raise MalformedRequestError("the body is not an object")
    located = {name for name, one in shape.members.items() if "location" in one.serialization}
    return {name: value for name, value in body.items() if name not in located}


def _read_body(shape: Any, request: Any, protocol: str) -> Any:
    if protocol == "rest-json":
        return _read_json(shape, _json_body(request))
    try:
        root = ElementTree.fromstring(request.data)  # noqa: S314 - from clients on this machine
    except ElementTree.ParseError as error:
        raise MalformedRequestError(f"the body is not XML: {error}") from error
    return _read_xml(shape, root)


def _tag(element: ElementTree.Element) -> str:
    return _NAMESPACE.sub("", element.tag)


def _read_xml(shape: Any, element: ElementTree.Element) -> Any:
    if shape.type_name == "structure":
        values = {}
        for name, member in shape.members.items():
            wire = _wire_name(member, name)
            if member.serialization.get("xmlAttribute"):
                local = wire.rpartition(":")[2]
                for attribute, text in element.attrib.items():
                    if _NAMESPACE.sub("", attribute) == local:
                        values[name] = text
            elif "location" not in member.serialization:
                children = _children(member, wire, element)
                if children:
                    values[name] = _read_member(member, children)
        return values
    if shape.type_name == "list":
        return [_read_xml(shape.member, child) for child in element]
    if shape.type_name == "map":
        return _read_entries(shape, element)
    return element.text or ""


def _children(member: Any, wire: str, element: ElementTree.Element) -> list[ElementTree.Element]:
    tags = {wire}
    if member.type_name == "list" and member.serialization.get("flattened"):
        tags.add(_wire_name(member.member, wire))
    return [child for child in element if _tag(child) in tags]


def _read_member(member: Any, children: list[ElementTree.Element]) -> Any:
    if member.serialization.get("flattened"):
        if member.type_name == "list":
            return [_read_xml(member.member, child) for child in children]
        if member.type_name == "map":
            return _read_entries(member, children)
    return _read_xml(member, children[0])


def _read_entries(shape: Any, entries: Iterable[ElementTree.Element]) -> dict[str, Any]:
    key, value = _wire_name(shape.key, "key"), _wire_name(shape.value, "value")
    values = {}
    for entry in entries:
        parts = {_tag(part): part for part in entry}
        if key in parts and value in parts:
            values[parts[key].text or ""] = _read_xml(shape.value, parts[value])
    return values
