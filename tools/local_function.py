"""Runs a deployed Lambda function's own package here: the emulator has nothing to run it in.

Package, handler, environment and role are those of the deployed function, asked of the emulator.
The handler runs in a Python process of its own, with keys of the function's role, so it can do
what that role's policies allow and no more.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.emulator import Emulator
from tools.errors import ToolError

_RUNNER = """
import importlib, json, sys, types, uuid
module, _, name = sys.argv[1].rpartition(".")
sys.path.insert(0, "")
with open("{request}") as file:
    event = json.load(file)
context = types.SimpleNamespace(aws_request_id=str(uuid.uuid4()), function_name=sys.argv[2])
result = getattr(importlib.import_module(module), name)(event, context)
with open("{answer}", "w") as file:
    json.dump(result, file)
"""


@dataclass(frozen=True)
class Invocation:
    """What one run of the handler gave: its result and what it logged."""

    result: Any
    log: str


def _package(about: dict[str, Any], folder: Path) -> None:
    with urllib.request.urlopen(about["Code"]["Location"], timeout=30) as answer:  # noqa: S310
        package = answer.read()
    received = base64.b64encode(hashlib.sha256(package).digest()).decode()
    if received != about["Configuration"]["CodeSha256"]:
        raise ToolError(f"function package: its checksum is {received}, not the deployed one's")
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(folder)


def invoke(emulator: Emulator, function_name: str, event: object) -> Invocation:
    """Run the deployed function on an event; ToolError with its log if the handler fails."""
    about = emulator.client("lambda").get_function(FunctionName=function_name)
    settings = about["Configuration"]
    keys = emulator.role_keys(settings["Role"])
    environment = {
        "PATH": os.environ["PATH"],
        **emulator.environment(),
        **settings.get("Environment", {}).get("Variables", {}),
        "AWS_LAMBDA_FUNCTION_NAME": function_name,
        "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": keys["aws_session_token"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        request, answer = Path(scratch, "request.json"), Path(scratch, "answer.json")
        code = Path(scratch, "code")
        _package(about, code)
        request.write_text(json.dumps(event), encoding="utf-8")
        runner = _RUNNER.format(request=request, answer=answer)
        done = subprocess.run(
            [sys.executable, "-c", runner, settings["Handler"], function_name],
            cwd=code,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=settings["Timeout"],
            check=False,
        )
        log = done.stdout + done.stderr
        if done.returncode != 0:
            tail = "\n".join(log.splitlines()[-15:])
            raise ToolError(f"function {function_name}: its handler failed:\n{tail}")
        return Invocation(json.loads(answer.read_text(encoding="utf-8")), log)


def uploaded(bucket: str, *keys: str) -> dict[str, Any]:
    """The event that S3 sends when objects were uploaded."""
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
            }
            for key in keys
        ]
    }
