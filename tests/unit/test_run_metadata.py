"""Metadata of a run."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from report_parser import open_report
from run_metadata import RunMetadata


def metadata_in(report: str) -> dict[str, Any]:
    opened = open_report(io.BytesIO(report.encode()))
    list(opened)
    return opened.metadata.document()


def document(**values: Any) -> dict[str, Any]:
    return {"commit": None, "branch": None, "started_at": None, "labels": {}} | values


CASE = '<testcase name="n" time="1"/>'


def test_properties_of_junit_suites_are_metadata() -> None:
    report = f"""<testsuites timestamp="2026-11-20T06:12:44Z"><properties>
      <property name="commit" value=" c1 "/><property name="label.team" value="pay"/>
      <property name="java.version" value="21"/><property/></properties>
      <testsuite name="s" timestamp="2026-11-20T07:00:00Z"><properties>
      <property name="git.branch" value="main"/><property name="commit" value="c2"/>
      </properties>{CASE}</testsuite></testsuites>"""
    assert metadata_in(report) == document(
        commit="c1",
        branch="main",
        started_at="2026-11-20T06:12:44+00:00",
        labels={"team": "pay"},
    )


def test_properties_of_a_case_are_ignored() -> None:
    report = """<testsuite name="s"><testcase name="n"><properties>
      <property name="commit" value="c1"/></properties></testcase></testsuite>"""
    assert metadata_in(report) == document()


def test_properties_after_the_cases_are_read() -> None:
    report = f'<testsuite name="s">{CASE}<property name="branch" value="b"/></testsuite>'
    assert metadata_in(report) == document(branch="b")


def test_fields_of_json_lines_are_metadata() -> None:
    case = '{"suite": "s", "name": "n", "outcome": "ok"'
    report = "\n".join(
        [
            case + "}",
            case + ', "commit": null, "labels": {"os": "linux", "n": 3, "x": null, "y": [1]}}',
            case + ', "commit": "c1", "labels": {"os": "mac"}}',
            case + ', "commitId": "c2", "git_branch": "b", "startedAt": "2026-11-20T06:00:00"}',
        ]
    )
    assert metadata_in(report) == document(
        commit="c1",
        branch="b",
        started_at="2026-11-20T06:00:00+00:00",
        labels={"os": "linux", "n": "3"},
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("commit", "commit"),
        ("Commit-Id", "commit"),
        ("commit_sha", "commit"),
        ("git.commit", "commit"),
        ("branch", "branch"),
        ("git-branch", "branch"),
    ],
)
def test_object_metadata_names_are_mapped_to_fields(name: str, field: str) -> None:
    assert RunMetadata.from_object_metadata({name: "x"}).document() == document(**{field: "x"})


def test_labels_are_read_from_object_metadata() -> None:
    metadata = RunMetadata.from_object_metadata(
        {"label-team": "pay", "label-": "no", "owner": "me", "label-b": " "}
    )
    assert metadata.labels == {"team": "pay"}


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T06:12:44.108812+00:00", datetime(2026, 11, 20, 6, 12, 44, 108812, UTC)),
        ("2026-11-20T06:12:44+02:00", datetime(2026, 11, 20, 4, 12, 44, tzinfo=UTC)),
        (" 2026-11-20 06:12:44 ", datetime(2026, 11, 20, 6, 12, 44, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("1763619164", None),
        ("1970-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("2999-01-01", None),
    ],
)
def test_start_time_is_parsed_or_ignored(text: str, time: datetime | None) -> None:
    metadata = RunMetadata()
    metadata.add_start_time(text)
    assert metadata.started_at == time


def test_long_or_unstorable_values_are_corrected() -> None:
    metadata = RunMetadata.from_object_metadata({"commit": "x" * 201, "branch": "a\0\ud800"})
    for number in range(60):
        metadata.add(f"label.{number}", "v")
    assert metadata.commit == "x" * 199 + "…"
    assert metadata.branch == "a\ufffd\ufffd"
    assert len(metadata.labels) == 50


@pytest.mark.parametrize("value", [None, 3, ["c"], {"a": "b"}, "", " "])
def test_invalid_values_are_ignored(value: Any) -> None:
    metadata = RunMetadata()
    metadata.add("commit", value)
    metadata.add("labels", "not a mapping")
    assert metadata.document() == document()


def test_defaults_apply_to_missing_values_only() -> None:
    metadata = RunMetadata.from_object_metadata({"commit": "c1", "label-a": "1"})
    defaults = RunMetadata.from_object_metadata(
        {"commit": "c2", "branch": "b2", "label-a": "2", "label-b": "3"}
    )
    assert metadata.with_defaults(defaults).document() == document(
        commit="c1", branch="b2", labels={"a": "1", "b": "3"}
    )
