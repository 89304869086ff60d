"""What a run says of itself."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from report_parser import open_report
from run_facts import RunFacts


def facts_in(report: str) -> dict[str, Any]:
    opened = open_report(io.BytesIO(report.encode()))
    list(opened)
    return opened.facts.document()


def told(**facts: Any) -> dict[str, Any]:
    return {"commit": None, "branch": None, "started_at": None, "labels": {}} | facts


CASE = '<testcase name="n" time="1"/>'


def test_properties_of_junit() -> None:
    report = f"""<testsuites timestamp="2026-11-20T06:12:44Z"><properties>
      <property name="commit" value=" c1 "/><property name="label.team" value="pay"/>
      <property name="java.version" value="21"/><property/></properties>
      <testsuite name="s" timestamp="2026-11-20T07:00:00Z"><properties>
      <property name="git.branch" value="main"/><property name="commit" value="c2"/>
      </properties>{CASE}</testsuite></testsuites>"""
    assert facts_in(report) == told(
        commit="c1",
        branch="main",
        started_at="2026-11-20T06:12:44+00:00",
        labels={"team": "pay"},
    )


def test_properties_of_a_case_are_not_those_of_the_run() -> None:
    report = """<testsuite name="s"><testcase name="n"><properties>
      <property name="commit" value="c1"/></properties></testcase></testsuite>"""
    assert facts_in(report) == told()


def test_properties_after_the_cases() -> None:
    report = f'<testsuite name="s">{CASE}<property name="branch" value="b"/></testsuite>'
    assert facts_in(report) == told(branch="b")


def test_fields_of_json_lines() -> None:
    case = '{"suite": "s", "name": "n", "outcome": "ok"'
    report = "\n".join(
        [
            case + "}",
            case + ', "commit": null, "labels": {"os": "linux", "n": 3, "x": null, "y": [1]}}',
            case + ', "commit": "c1", "labels": {"os": "mac"}}',
            case + ', "commitId": "c2", "git_branch": "b", "startedAt": "2026-11-20T06:00:00"}',
        ]
    )
    assert facts_in(report) == told(
        commit="c1",
        branch="b",
        started_at="2026-11-20T06:00:00+00:00",
        labels={"os": "linux", "n": "3"},
    )


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("commit", "commit"),
        ("Commit-Id", "commit"),
        ("commit_sha", "commit"),
        ("git.commit", "commit"),
        ("branch", "branch"),
        ("git-branch", "branch"),
    ],
)
def test_metadata_of_an_object(name: str, fact: str) -> None:
    assert RunFacts.of_object({name: "x"}).document() == told(**{fact: "x"})


def test_labels_in_the_metadata() -> None:
    facts = RunFacts.of_object({"label-team": "pay", "label-": "no", "owner": "me", "label-b": " "})
    assert facts.labels == {"team": "pay"}


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
def test_times(text: str, time: datetime | None) -> None:
    facts = RunFacts()
    facts.began(text)
    assert facts.started_at == time


def test_what_is_too_long_or_odd_is_cut_not_refused() -> None:
    facts = RunFacts.of_object({"commit": "x" * 201, "branch": "a\0\ud800"})
    for number in range(60):
        facts.add(f"label.{number}", "v")
    assert facts.commit == "x" * 199 + "…"
    assert facts.branch == "a\ufffd\ufffd"
    assert len(facts.labels) == 50


@pytest.mark.parametrize("value", [None, 3, ["c"], {"a": "b"}, "", " "])
def test_what_is_no_fact_is_left_out(value: Any) -> None:
    facts = RunFacts()
    facts.add("commit", value)
    facts.add("labels", "not a mapping")
    assert facts.document() == told()


def test_one_beats_the_other() -> None:
    one = RunFacts.of_object({"commit": "c1", "label-a": "1"})
    other = RunFacts.of_object({"commit": "c2", "branch": "b2", "label-a": "2", "label-b": "3"})
    assert one.or_else(other).document() == told(
        commit="c1", branch="b2", labels={"a": "1", "b": "3"}
    )
