"""A stand-in for the hashicorp/random provider, for machines that can reach no provider registry.

It is NOT hashicorp/random. It implements only the ephemeral resource ``random_password``, with the
arguments, validation and character sets of the real one; ``bcrypt_hash`` is always null. If a
registry or a mirror has the real provider, that is used and this file is not run.

Terraform starts it as a plugin through a launcher that ``mirror.py`` writes into a filesystem
mirror. It is based on the PyPI framework ``tf``, which implements the plugin protocol without
ephemeral resources; this module adds their messages and handlers.
"""

# ruff: noqa: ANN401 - the messages of gRPC have no types

from __future__ import annotations

import secrets
import string
import sys
from collections.abc import Callable
from typing import Any

import grpc
import tf.provider
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import Bool, Number, String
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

SPECIAL_CHARACTERS = "!@#$%&*()-_=+[]{}<>:?"
_CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": SPECIAL_CHARACTERS,
}

PASSWORD_SCHEMA = Schema(
    description="Stand-in for hashicorp/random: a random password that is never stored.",
    attributes=[
        Attribute("length", Number(), required=True),
        *(Attribute(name, Bool(), optional=True, computed=True) for name in _CLASSES),
        *(Attribute(f"min_{name}", Number(), optional=True, computed=True) for name in _CLASSES),
        Attribute("override_special", String(), optional=True),
        Attribute("result", String(), computed=True, sensitive=True),
        Attribute("bcrypt_hash", String(), computed=True, sensitive=True),
    ],
)


def password_problems(config: dict[str, Any]) -> list[str]:
    """The errors that the real provider reports for a ``random_password`` configuration.

    Values that are not known yet are ignored; Terraform validates again when they are.
    """
    known: dict[str, Any] = {
        key: value for key, value in config.items() if isinstance(value, (bool, int, str))
    }
    problems = []
    length = known.get("length")
    if length is not None:
        least = sum(known.get(f"min_{name}", 0) for name in _CLASSES)
        if length < 1:
            problems.append(f"length is {length}; at least 1 is needed")
        elif length < least:
            problems.append(f"length is {length}; the min_* arguments together require {least}")
    if all(known.get(name) is False for name in _CLASSES):
        problems.append("one of lower, upper, numeric and special must be true")
    return problems


def generate_password(config: dict[str, Any]) -> str:
    """Generate a password from a ``random_password`` configuration (null means the default)."""
    length = config["length"]
    alphabets = dict(_CLASSES, special=config.get("override_special") or SPECIAL_CHARACTERS)
    allowed = "".join(
        alphabet for name, alphabet in alphabets.items() if config.get(name) is not False
    )
    characters = [
        secrets.choice(alphabet)
        for name, alphabet in alphabets.items()
        for _ in range(config.get(f"min_{name}") or 0)
    ]
    characters += [secrets.choice(allowed) for _ in range(length - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def _password_result(config: dict[str, Any]) -> dict[str, Any]:
    result = dict(config, result=generate_password(config), bcrypt_hash=None)
    for name in _CLASSES:
        if result.get(name) is None:
            result[name] = True
        if result.get(f"min_{name}") is None:
            result[f"min_{name}"] = 0
    return result


# The messages of the four ephemeral calls of plugin protocol 6 that a resource without renewal
# requires: (field, number, type); a type with a capital letter is a message.
_MESSAGES = {
    "SchemaEntry": [("key", 1, "string"), ("value", 2, "Schema")],
    "EphemeralSchemas": [("ephemeral_resource_schemas", 8, "SchemaEntry")],
    "EphemeralRequest": [("type_name", 1, "string"), ("config", 2, "DynamicValue")],
    "EphemeralResponse": [("diagnostics", 1, "Diagnostic"), ("result", 3, "DynamicValue")],
}
_REPEATED = {"ephemeral_resource_schemas", "diagnostics"}


def _message_classes() -> dict[str, Any]:
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="standin_ephemeral.proto",
        package="standin",
        syntax="proto3",
        dependency=[pb.DESCRIPTOR.name],
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, number, kind in fields:
            field = message.field.add(name=name, number=number)
            field.label = (
                field_type.LABEL_REPEATED if name in _REPEATED else field_type.LABEL_OPTIONAL
            )
            if kind == "string":
                field.type = field_type.TYPE_STRING
            else:
                field.type = field_type.TYPE_MESSAGE
                package = "standin" if kind in _MESSAGES else "tfplugin6"
                field.type_name = f".{package}.{kind}"
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"standin.{name}"))
        for name in _MESSAGES
    }


_CLASS_OF = _message_classes()


def _validate(request: Any, _context: grpc.ServicerContext) -> Any:
    diagnostics = Diagnostics()
    for problem in password_problems(read_dynamic_value(request.config)):
        diagnostics.add_error("Invalid random_password", problem)
    return _CLASS_OF["EphemeralResponse"](diagnostics=diagnostics.to_pb())


def _open(request: Any, context: grpc.ServicerContext) -> Any:
    response = _validate(request, context)
    if not response.diagnostics:
        result = _password_result(read_dynamic_value(request.config))
        response.result.CopyFrom(to_dynamic_value(result))
    return response


def _nothing(_request: Any, _context: grpc.ServicerContext) -> Any:
    return _CLASS_OF["EphemeralResponse"]()


class _Servicer(tf.provider.ProviderServicer):  # type: ignore[misc]
    """The framework's servicer; its schema response also lists the ephemeral resource."""

    def GetProviderSchema(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        response = super().GetProviderSchema(request, context)
        entry = _CLASS_OF["SchemaEntry"](key="random_password", value=PASSWORD_SCHEMA.to_pb())
        extra = _CLASS_OF["EphemeralSchemas"](ephemeral_resource_schemas=[entry])
        # The framework's message lacks the field; parsing keeps it as an unknown field.
        return pb.GetProviderSchema.Response.FromString(
            response.SerializeToString() + extra.SerializeToString()
        )


def _add_handlers(add_framework_handlers: Callable[..., None]) -> Callable[..., None]:
    def add(servicer: Any, server: grpc.Server) -> None:
        add_framework_handlers(servicer, server)
        calls = {
            "ValidateEphemeralResourceConfig": _validate,
            "OpenEphemeralResource": _open,
            "RenewEphemeralResource": _nothing,
            "CloseEphemeralResource": _nothing,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                call,
                request_deserializer=_CLASS_OF["EphemeralRequest"].FromString,
                response_serializer=_CLASS_OF["EphemeralResponse"].SerializeToString,
            )
            for name, call in calls.items()
        }
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("tfplugin6.Provider", handlers),)
        )

    return add


class RandomStandIn:
    """The provider for the framework: without settings and without managed resources."""

    def get_model_prefix(self) -> str:
        return "random_"

    def full_name(self) -> str:
        return "registry.terraform.io/hashicorp/random"

    def get_provider_schema(self, _diagnostics: Diagnostics) -> Schema:
        return Schema(description="Stand-in for hashicorp/random")

    def validate_config(self, _diagnostics: Diagnostics, _config: dict[str, Any]) -> None:
        """The provider has no configuration."""

    def configure_provider(self, _diagnostics: Diagnostics, _config: dict[str, Any]) -> None:
        """The provider has no configuration."""

    def get_data_sources(self) -> list[Any]:
        return []

    def get_resources(self) -> list[Any]:
        return []

    def get_functions(self) -> list[Any]:
        return []


def main() -> None:
    """Serve Terraform until it closes the connection."""
    tf.provider.ProviderServicer = _Servicer
    rpc.add_ProviderServicer_to_server = _add_handlers(rpc.add_ProviderServicer_to_server)
    run_provider(RandomStandIn(), sys.argv)


if __name__ == "__main__":
    main()
