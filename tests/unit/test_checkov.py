"""checkov: its findings, and the suppressions that they require."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lib.rules import Template
from lib.settings import load_settings
from lib.stacks import placeholder_variables
from tools import checkov

STACK = {
    "//": {"metadata": {"stackName": "tap"}},
    "resource": {
        "aws_s3_bucket": {
            "Data": {
                "//": {"suppressions": {"CKV_AWS_18": "a reason", "CKV_AWS_21": " ", "own": "x"}}
            },
            "Other": {"//": {"suppressions": {"CKV_AWS_99": "never needed"}}},
        }
    },
}


def test_checkovs_names_become_addresses() -> None:
    assert checkov.address(STACK, "resource.Data") == "aws_s3_bucket.Data"
    assert checkov.address(STACK, "aws_s3_bucket.Data") == "aws_s3_bucket.Data"
    assert checkov.address(STACK, "resource.Unknown") == "resource.Unknown"


def test_waivers_are_held_to_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [
        checkov.Failure("tap", "aws_s3_bucket.Data", check, "title", "resource.Data")
        for check in ("CKV_AWS_18", "CKV_AWS_21", "CKV_AWS_145")
    ]
    monkeypatch.setattr(checkov, "failures", lambda _folder: (failed, 7))
    template = Template(STACK, load_settings(placeholder_variables(), tmp_path))
    problems, suppressed, passed = checkov.judge(tmp_path, [template])
    assert [(one.path, one.address, one.rule, one.fault) for one in problems] == [
        ("tap/Data", "aws_s3_bucket.Data", "CKV_AWS_145", "checkov finds that it fails"),
        (
            *("tap/Other", "aws_s3_bucket.Other", "suppressions_have_reasons"),
            "suppresses CKV_AWS_99, which does not fail there",
        ),
    ]
    assert [one.check for one in suppressed] == ["CKV_AWS_18", "CKV_AWS_21"]
    assert passed == 7


def test_every_stack_is_checked() -> None:
    assert set(checkov.stack_names()) == {"tap", "state", "bastion", "web"}


@pytest.mark.parametrize("stack", ["tap", "state", "bastion", "web"])
def test_each_stack_alone_gets_what_it_cannot_be_without(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    monkeypatch.setenv("STACKS", stack)
    monkeypatch.setenv("TAP_WEB_DOMAIN_NAME", "shop.example.com")
    # Set to nothing is not set, as it is for main.py.
    monkeypatch.setenv("TAP_BASTION_PUBLIC_KEY", "")

    def run_main(_command: object, *, env: dict[str, str], **_: object) -> object:
        given.update(env)
        return subprocess.CompletedProcess((), 0)

    monkeypatch.setattr(checkov.subprocess, "run", run_main)
    checkov.synthesize(tmp_path)
    settings = load_settings(given, tmp_path)
    assert settings.stacks == (stack,)
    assert settings.web.domain_name == "shop.example.com"
