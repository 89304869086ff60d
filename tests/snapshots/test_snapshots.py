"""Whole stacks as they were when somebody last looked at them.

`pytest tests/snapshots --snapshot-update` takes new ones; read their diff before you keep them.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from lib.stacks import STACKS
from tests.support.synthesis import ENVIRONMENTS, Synthesizer
from tests.support.template import strings

HASH = re.compile(r"(?<=/)[0-9a-f]{64}(?=/)|(?<=/)[0-9a-f]{16}(?=\.zip$)")


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """The stack without what changes with every release of a tool or edit of the function.

    Policies and other JSON inside strings are opened, so that a diff shows the line that changed.
    """
    document = copy.deepcopy(document)
    document["//"]["metadata"]["version"] = "<cdktf>"
    for provider in document["terraform"]["required_providers"].values():
        provider["version"] = "<provider>"
    for function in document.get("resource", {}).get("aws_lambda_function", {}).values():
        function["filename"] = HASH.sub("<hash>", function["filename"])
        function["source_code_hash"] = "<hash>"
    opened: dict[str, Any] = _opened(document)
    return opened


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, str) and value.startswith('{"'):
        # A template of API Gateway only looks like JSON.
        with contextlib.suppress(json.JSONDecodeError):
            return {"<json>": _opened(json.loads(value))}
    return value


@pytest.fixture
def snapshot_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("stack", STACKS)
def test_stack(
    stack: str, environment: str, synth: Synthesizer, snapshot_json: SnapshotAssertion
) -> None:
    template = synth.environment(environment, stack)
    assert masked(template.document) == snapshot_json


def test_the_mask_hides_versions_and_hashes_only(synth: Synthesizer) -> None:
    document = synth.environment(ENVIRONMENTS[0], "tap").document
    after = dict(strings(_with_metadata(masked(document))))
    before = dict(strings(_with_metadata(_opened(document))))
    assert after.keys() == before.keys()
    hidden = {path: before[path] for path in before if before[path] != after[path]}
    (function,) = document["resource"]["aws_lambda_function"]
    assert {*hidden} == {
        "meta.metadata.version",
        "terraform.required_providers.aws.version",
        "terraform.required_providers.random.version",
        f"resource.aws_lambda_function.{function}.filename",
        f"resource.aws_lambda_function.{function}.source_code_hash",
    }


def _with_metadata(document: dict[str, Any]) -> dict[str, Any]:
    """`strings` leaves `//` out, and nothing may hide there."""
    text = json.dumps(document).replace('"//":', '"meta":')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("terraform", "required_providers", "aws", "source"), "elsewhere/aws"),
        (("terraform", "backend", "s3", "use_lockfile"), False),
        (("resource", "aws_lambda_function", 0, "handler"), "other.handler"),
        (("resource", "aws_lambda_function", 0, "filename"), "assets/other.zip"),
        (("resource", "aws_kms_key", 0, "policy"), '{"Statement":[]}'),
        (("resource", "aws_rds_cluster", 0, "engine_version"), "16.10"),
        (("resource", "aws_vpc", 0, "//", "metadata", "path"), "tap/Other"),
        (("output", "vpc_id", "value"), "other"),
    ],
)
def test_the_mask_does_not_hide(
    path: tuple[str | int, ...], value: Any, synth: Synthesizer
) -> None:
    document = synth.environment(ENVIRONMENTS[0], "tap").document
    changed = copy.deepcopy(document)
    target: Any = changed
    for part in path[:-1]:
        target = [*target.values()][part] if isinstance(part, int) else target[part]
    assert target[path[-1]] != value
    target[path[-1]] = value
    assert masked(changed) != masked(document)


def test_an_edit_of_the_function_does_not_change_the_snapshot(synth: Synthesizer) -> None:
    document = synth.environment(ENVIRONMENTS[0], "tap").document
    edited = copy.deepcopy(document)
    (function,) = edited["resource"]["aws_lambda_function"].values()
    function["source_code_hash"] = "b3RoZXI="
    function["filename"] = re.sub(
        r"[0-9a-f]{16,64}", lambda m: "0" * len(m[0]), function["filename"]
    )
    assert edited != document
    assert masked(edited) == masked(document)
