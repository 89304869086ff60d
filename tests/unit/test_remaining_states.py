"""The program that lists the states with resources before the state bucket is destroyed."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest

from lib.storage.remaining_states import main, managed_resources


def state(*instances: int, mode: str = "managed") -> bytes:
    """A state with resources that have these numbers of instances."""
    resources = [{"mode": mode, "instances": [{}] * count} for count in instances]
    return json.dumps({"version": 4, "resources": resources}).encode()


class Bucket:
    """An S3 client of one bucket; None instead of objects means that it does not exist."""

    def __init__(self, objects: dict[str, bytes] | None) -> None:
        self.objects = objects

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self.objects is None:
            raise ConnectionError("NoSuchBucket")
        return [{}, *({"Contents": [{"Key": key}]} for key in self.objects)]

    def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803
        assert self.objects is not None
        if not self.objects[Key]:
            raise ConnectionError("AccessDenied")
        return {"Body": io.BytesIO(self.objects[Key])}


@pytest.mark.parametrize(
    ("objects", "listed"),
    [
        (None, []),
        ({}, []),
        ({"dev/tap.tfstate": state(), "dev/web.tfstate": state(1, mode="data")}, []),
        (
            {"dev/tap.tfstate": state(2, 1), "dev/web.tfstate": state(), "prod/tap.tfstate": b"x"},
            ["dev/tap.tfstate (3 resources)", "prod/tap.tfstate (not the JSON of a state)"],
        ),
        ({"dev/tap.tfstate.tflock": b"{}"}, ["dev/tap.tfstate.tflock (the lock of a run)"]),
        ({"dev/tap.tfstate": b""}, ["nothing, because the bucket cannot be read (AccessDenied)"]),
    ],
)
def test_states_with_resources_refuse_the_destruction(
    objects: dict[str, bytes] | None,
    listed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: Bucket(objects))
    assert main("states", "us-east-1") == (2 if listed else 0)
    message = capsys.readouterr().err
    expected = f"state bucket states: received the states {', '.join(listed)}; accepted: no state"
    assert (expected in message) is bool(listed)


def test_json_that_is_not_a_state_is_not_an_empty_state() -> None:
    assert managed_resources(b"[]") is None
    assert managed_resources(b"{}") is None
    assert managed_resources(state(4)) == 4
