"""Lambda: a function's whole configuration, its code to download, and who reads its queue."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

import os
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.sqs.models import sqs_backends

from tools.emulator.patching import put

CODE_PATH = "/emulator/lambda-code"


def keep_the_whole_configuration() -> None:
    """A function tells its logging and updates of any setting; moto forgets some of them."""
    init, get = LambdaFunction.__init__, LambdaFunction.get_configuration
    update = LambdaFunction.update_configuration
    attributes = {
        "TracingConfig": "tracing_config",
        "KMSKeyArn": "kms_key_arn",
        "LoggingConfig": "logging_config",
    }

    def new_init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kw: Any) -> None:
        self.logging_config = spec.get("LoggingConfig")
        init(self, account_id, spec, *args, **kw)

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        logging_config = default | (self.logging_config or {})
        return dict(get(self, on_create), LoggingConfig=logging_config)

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        for key, attribute in attributes.items():
            if key in config_updates:
                setattr(self, attribute, config_updates[key])
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        return update(self, config_updates)

    put(LambdaFunction, __init__=new_init)
    put(LambdaFunction, get_configuration=get_configuration)
    put(LambdaFunction, update_configuration=update_configuration)


def leave_queues_to_whoever_reads_them() -> None:
    """A mapping from a queue to a function is stored, and nothing more.

    moto would take each message at once and run the function in a container, which is not here,
    and put the message back. What plays the mapping reads the queue from outside.
    """
    original = LambdaBackend.create_event_source_mapping

    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        mapping = original(self, spec)
        for queue in sqs_backends[self.account_id][self.region_name].queues.values():
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    put(LambdaBackend, create_event_source_mapping=create_event_source_mapping)


def offer_the_code_for_download() -> None:
    """GetFunction's Location can be fetched; moto names an address that does not exist."""
    original = LambdaFunction.get_code

    def get_code(self: Any) -> dict[str, Any]:
        answer = original(self)
        if self.package_type == "Zip":
            base = f"http://127.0.0.1:{os.environ['MOTO_PORT']}{CODE_PATH}"
            path = f"{self.account_id}/{self.region}/{self.function_name}"
            answer["Code"] = {"Location": f"{base}/{path}", "RepositoryType": "S3"}
        return answer

    put(LambdaFunction, get_code=get_code)


def code_at(path: str) -> bytes:
    """Return the package that a Location made above points at; KeyError where there is none."""
    account_id, region, name = path.removeprefix(f"{CODE_PATH}/").split("/")
    function = lambda_backends[account_id][region].get_function(name)
    return bytes(function.code_bytes)
