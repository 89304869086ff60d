"""The comparison of the JSON of CDKTF and CDK Terrain."""

from __future__ import annotations

import re
from pathlib import Path

from tools.cdktn.compare import compare, is_expected
from tools.cdktn.fork import COPIED, RENAMES
from tools.project import ROOT


def test_equal_documents_have_no_difference() -> None:
    document = {"resource": {"aws_vpc": {"Vpc": {"cidr_block": "10.0.0.0/16", "tags": [1, {}]}}}}
    assert list(compare(document, document)) == []


def test_each_difference_is_listed_with_both_values() -> None:
    ours = {"a": {"b": 1, "c": [1, 2], "gone": True}, "same": None}
    theirs = {"a": {"b": 2, "c": [1, 3]}, "same": None, "new": "x"}
    assert list(compare(ours, theirs)) == [
        "a.b: 1 under cdktf, 2 under cdktn",
        "a.c.1: 2 under cdktf, 3 under cdktn",
        "a.gone: true under cdktf, null under cdktn",
        'new: null under cdktf, "x" under cdktn',
    ]


def test_lists_of_different_lengths_are_one_difference() -> None:
    assert list(compare({"a": [1]}, {"a": [1, 2]})) == ["a: [1] under cdktf, [1, 2] under cdktn"]


def test_only_the_marks_of_the_tool_are_expected() -> None:
    version = '//.metadata.version: "0.21.0" under cdktf, "0.24.0" under cdktn'
    short = (
        'terraform.required_providers.aws.source: "aws" under cdktf, "hashicorp/aws" under cdktn'
    )
    other = 'terraform.required_providers.aws.source: "aws" under cdktf, "other/aws" under cdktn'
    assert [is_expected(one) for one in (version, short, other)] == [True, True, False]
    assert not is_expected("resource.aws_vpc.Vpc.cidr_block: 1 under cdktf, 2 under cdktn")


def renamed(text: str) -> str:
    for pattern, replacement in RENAMES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def test_all_imports_of_the_project_are_renamed() -> None:
    files = [Path(ROOT / "main.py"), *(ROOT / "lib").rglob("*.py")]
    imports = re.compile(r"^\s*(?:from|import) (cdktf\w*)", re.MULTILINE)
    before = {name for file in files for name in imports.findall(file.read_text())}
    after = {name for file in files for name in imports.findall(renamed(file.read_text()))}
    assert {"cdktf", "cdktf_cdktf_provider_aws", "cdktf_cdktf_provider_random"} <= before
    assert after == set()


def test_every_copied_folder_of_the_repository_exists() -> None:
    assert all((ROOT / name).exists() for name in COPIED if not name.startswith((".", "node")))
