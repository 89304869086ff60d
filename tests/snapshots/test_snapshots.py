"""Whole synthesized stacks, compared with reviewed snapshots.

The snapshot of a stack in the environment `dev` is complete. Snapshots of other environments hold
only the differences from it, as a JSON Patch (RFC 6902) after the environment suffix is replaced.
`pytest tests/snapshots --snapshot-update` writes all of them; review the diff before you commit.
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
from tests.support.json_patch import apply, difference
from tests.support.synthesis import ENVIRONMENTS, Synthesizer
from tests.support.template import strings

BASE = "dev"
HASH = re.compile(r"(?<=/)[0-9a-f]{64}(?=/)|(?<=/)[0-9a-f]{16}(?=\.zip$)")


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """The stack without values that change with a release of a tool or an edit of the function.

    JSON inside strings (policies) is parsed, so that a diff shows the changed line.
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


def with_suffix(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The document with another environment suffix: each whole word, but not paths in `/dev`."""
    text = re.sub(rf'(?<!"/)\b{old}\b', new, json.dumps(document))
    renamed: dict[str, Any] = json.loads(text)
    return renamed


@pytest.mark.parametrize("stack", STACKS)
def test_stack_equals_snapshot(
    stack: str, synth: Synthesizer, snapshot_json: SnapshotAssertion
) -> None:
    assert masked(synth.environment(BASE, stack).document) == snapshot_json


@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name != BASE])
@pytest.mark.parametrize("stack", STACKS)
def test_environment_differs_from_dev_as_in_snapshot(
    stack: str, environment: str, synth: Synthesizer, snapshot_json: SnapshotAssertion
) -> None:
    base = with_suffix(masked(synth.environment(BASE, stack).document), BASE, environment)
    found = masked(synth.environment(environment, stack).document)
    operations = difference(base, found)
    assert apply(base, operations) == found
    assert operations == snapshot_json


def test_a_fixed_suffix_is_a_difference() -> None:
    base = with_suffix({"fixed": "data-dev", "name": "queue-dev"}, BASE, "prod")
    assert difference(base, {"fixed": "data-dev", "name": "queue-prod"}) == [
        {"op": "replace", "path": "/fixed", "value": "data-dev"}
    ]


def test_mask_hides_versions_and_hashes_only(synth: Synthesizer) -> None:
    document = synth.environment(BASE, "tap").document
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
    """The document with `//` renamed, because `strings` skips that key."""
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
def test_mask_does_not_hide(path: tuple[str | int, ...], value: Any, synth: Synthesizer) -> None:
    document = synth.environment(BASE, "tap").document
    changed = copy.deepcopy(document)
    target: Any = changed
    for part in path[:-1]:
        target = [*target.values()][part] if isinstance(part, int) else target[part]
    assert target[path[-1]] != value
    target[path[-1]] = value
    assert masked(changed) != masked(document)


def test_edit_of_the_function_does_not_change_the_snapshot(synth: Synthesizer) -> None:
    document = synth.environment(BASE, "tap").document
    edited = copy.deepcopy(document)
    (function,) = edited["resource"]["aws_lambda_function"].values()
    function["source_code_hash"] = "b3RoZXI="
    function["filename"] = re.sub(
        r"[0-9a-f]{16,64}", lambda m: "0" * len(m[0]), function["filename"]
    )
    assert edited != document
    assert masked(edited) == masked(document)
