"""Registry of report formats."""

from __future__ import annotations

import functools
import gzip
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import object_processing
from environment import Environment
from object_events import ObjectRef
from report_formats import FORMATS, ReportFormat
from report_model import CaseResult, Limits, Outcome, ReportError, validate_name
from report_parser import open_report
from run_metadata import RunMetadata
from tests.support.in_memory_store import InMemoryStore

TAP = b"TAP version 13\n# commit=c1\nok 1 - first\nnot ok 2 - second\n"
SAMPLES = {
    "junit-xml": b"<testsuite name='s'><testcase name='a'/></testsuite>",
    "json-lines": b'{"suite":"s","name":"a","outcome":"ok"}\n',
    "csv": b"suite,name,outcome,duration_seconds,message\ns,a,passed,,\n",
}


def is_tap(head: bytes) -> bool:
    return head.startswith(b"TAP version ")


def read_tap(
    chunks: Iterable[bytes], limits: Limits, first_line: int, metadata: RunMetadata
) -> Iterator[list[CaseResult]]:
    """Yield the cases of a report in the Test Anything Protocol, one per batch."""
    for number, line in enumerate(b"".join(chunks).decode().splitlines(), first_line):
        if line.startswith("# "):
            metadata.add(*line.removeprefix("# ").split("=", 1))
        elif line.startswith(("ok", "not ok")):
            name = validate_name(line.partition(" - ")[2], "name", limits)
            outcome: Outcome = "passed" if line.startswith("ok") else "failed"
            yield [CaseResult("tap", "", name, outcome, None, "", 0)]
        elif not is_tap(line.encode()):
            raise ReportError("is not a test line", value=line, accepted="ok, not ok", line=number)


FORMATS_WITH_TAP = (ReportFormat("tap", "TAP", is_tap, read_tap), *FORMATS)
"""A scratch registry: one reader module (the two functions above) and one row."""


def open_with_tap(data: bytes) -> Any:
    return open_report(io.BytesIO(data), formats=FORMATS_WITH_TAP)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("lead", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_registered_format_is_detected_and_read(pack: Any, lead: bytes) -> None:
    report = open_with_tap(pack(lead + TAP))
    assert report.format == "tap"
    assert [(case.name, case.outcome) for case in report] == [
        ("first", "passed"),
        ("second", "failed"),
    ]
    assert report.metadata.commit == "c1"


def test_head_contains_the_detection_bytes_of_a_slow_stream() -> None:
    class OneByteStream(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return super().read(1)

    report = open_report(OneByteStream(b" \n" + TAP), formats=FORMATS_WITH_TAP)
    assert (report.format, len(list(report))) == ("tap", 2)


def test_errors_contain_the_name_of_the_registered_format() -> None:
    with pytest.raises(ReportError) as caught:
        list(open_with_tap(b"\n" + TAP + b"Bail out!\n"))
    assert str(caught.value) == (
        "tap, line 6: is not a test line (received 'Bail out!'); accepted: ok, not ok"
    )


def test_limits_apply_to_the_registered_format() -> None:
    report = open_report(io.BytesIO(TAP), Limits(max_cases=1), FORMATS_WITH_TAP)
    with pytest.raises(ReportError, match="tap: the report has too many cases"):
        list(report)


def test_rejection_lists_the_registered_format() -> None:
    with pytest.raises(ReportError, match="accepted: TAP, JUnit XML, JSON Lines, CSV"):
        open_with_tap(b"")


@pytest.mark.parametrize("name", SAMPLES)
def test_other_formats_are_detected_as_before(name: str) -> None:
    assert open_with_tap(SAMPLES[name]).format == name


def test_sample_of_each_format_is_detected_by_its_row() -> None:
    assert set(SAMPLES) == {format_.name for format_ in FORMATS}
    for name, data in SAMPLES.items():
        first = next(format_.name for format_ in FORMATS if format_.detect(data))
        assert first == name
        assert open_report(io.BytesIO(data)).format == name


def test_names_and_labels_are_unique() -> None:
    assert len({format_.name for format_ in FORMATS}) == len(FORMATS)
    assert len({format_.label for format_ in FORMATS}) == len(FORMATS)


def test_unregistered_content_is_rejected_without_csv() -> None:
    without_csv = tuple(format_ for format_ in FORMATS if format_.name != "csv")
    with pytest.raises(ReportError, match=r"the format is not supported \(received b'suite,name"):
        open_report(io.BytesIO(SAMPLES["csv"]), formats=without_csv)


def test_registered_format_is_processed_without_other_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the object in S3 to the rows and the summary."""
    with_tap = functools.partial(open_report, formats=FORMATS_WITH_TAP)
    monkeypatch.setattr(object_processing, "open_report", with_tap)
    written: list[bytes] = []

    class S3:
        def get_object(self, **_: str) -> dict[str, Any]:
            stored_at = datetime(2026, 11, 21, tzinfo=UTC)
            return {
                "Body": io.BytesIO(TAP),
                "ETag": '"e"',
                "ContentLength": len(TAP),
                "LastModified": stored_at,
            }

        def put_object(self, **arguments: Any) -> None:
            written.append(arguments["Body"])

    environment = Environment.read(
        {
            "DATA_BUCKET": "data-dev",
            "KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d",
            "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev",
        }
    )
    store, s3 = InMemoryStore(), S3()
    processor = object_processing.ObjectProcessor(environment, s3, store)  # type: ignore[arg-type]
    result = processor.process(ObjectRef("data-dev", "incoming/run.tap"))
    assert (result.format, result.cases, result.stored) == ("tap", 2, True)
    (columns,) = store.columns.values()
    assert (columns["format"], columns["commit"]) == ("tap", "c1")
    assert b'"format": "tap"' in written[0]
