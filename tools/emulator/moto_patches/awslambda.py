"""Patches of Lambda."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import os
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.sqs.models import sqs_backends

from tools.emulator.moto_patches.patching import moto_patch, replace

CODE_PATH = "/emulator/lambda-code"
"""Path under which the middleware serves deployment packages."""


@moto_patch
def store_update_function_configuration_fields() -> None:
    """Store ``LoggingConfig`` of a function, and updates of three other fields.

    moto 5.2.5: ignores ``LoggingConfig``, and ignores ``TracingConfig``, ``KMSKeyArn`` and
    ``EphemeralStorage`` in UpdateFunctionConfiguration; stores ``KMSKeyArn`` of a function without
    environment variables.

    AWS: GetFunctionConfiguration returns all of them, ``KMSKeyArn`` only with environment
    variables; the default of ``LoggingConfig`` is the format ``Text`` and the log group
    ``/aws/lambda/FUNCTION``.

    Reason: the provider plans to set the fields again in every plan that AWS does not return.
    """
    original_init = LambdaFunction.__init__
    original_get = LambdaFunction.get_configuration
    original_update = LambdaFunction.update_configuration
    attributes = {
        "TracingConfig": "tracing_config",
        "KMSKeyArn": "kms_key_arn",
        "LoggingConfig": "logging_config",
    }

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.logging_config = spec.get("LoggingConfig")
        original_init(self, account_id, spec, *args, **kwargs)

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        logging_config = default | (self.logging_config or {})
        configuration = dict(original_get(self, on_create), LoggingConfig=logging_config)
        if not self.environment_vars:
            del configuration["KMSKeyArn"]
        return configuration

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        for field, attribute in attributes.items():
            if field in config_updates:
                setattr(self, attribute, config_updates[field])
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        return original_update(self, config_updates)

    replace(
        LambdaFunction,
        __init__=init,
        get_configuration=get_configuration,
        update_configuration=update_configuration,
    )


@moto_patch
def disable_create_event_source_mapping_polling() -> None:
    """Store an event source mapping of a queue without receiving its messages.

    moto 5.2.5: receives each message when it is sent, runs the function in a container, and
    returns the message to the queue where that fails.

    AWS: the Lambda service polls the queue asynchronously and invokes the function in batches.

    Reason: no container engine is available here; the event source mapping of ``tools.local``
    polls the queue instead.
    """
    original = LambdaBackend.create_event_source_mapping

    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        mapping = original(self, spec)
        for queue in sqs_backends[self.account_id][self.region_name].queues.values():
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    replace(LambdaBackend, create_event_source_mapping=create_event_source_mapping)


@moto_patch
def return_get_function_code_location() -> None:
    """Return an address in ``Code.Location`` of GetFunction that can be downloaded.

    moto 5.2.5: returns the address of an S3 object that does not exist, or no address.

    AWS: returns a presigned URL of the deployment package.

    Reason: ``tools.local`` downloads the deployed package in order to run the function.
    """
    original = LambdaFunction.get_code

    def get_code(self: Any) -> dict[str, Any]:
        response = original(self)
        if self.package_type == "Zip":
            base = f"http://127.0.0.1:{os.environ['MOTO_PORT']}{CODE_PATH}"
            path = f"{self.account_id}/{self.region}/{self.function_name}"
            response["Code"] = {"Location": f"{base}/{path}", "RepositoryType": "S3"}
        return response

    replace(LambdaFunction, get_code=get_code)


def read_function_code(path: str) -> bytes:
    """Return the deployment package (zip) at a path below ``CODE_PATH``.

    The path is ``CODE_PATH/ACCOUNT/REGION/FUNCTION``. Raises an error of moto or ``ValueError``
    where no such function exists.
    """
    account_id, region, name = path.removeprefix(f"{CODE_PATH}/").split("/")
    function = lambda_backends[account_id][region].get_function(name)
    return bytes(function.code_bytes)
