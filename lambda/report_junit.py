"""Reader for JUnit XML, which parses the stream with expat: no tree, no document type.

Dialects differ in nesting (suites within suites, cases outside any suite), missing times,
thousands separators, rerun and flaky elements (Maven Surefire), and `status` and `result`
attributes (GoogleTest); one set of rules covers all of them. Elements that do not affect the
outcome of a case (its properties, captured output) are skipped, whatever their length. Properties
of suites are metadata of the run, see `run_metadata`.
"""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from report_model import (
    CaseResult,
    Limits,
    Outcome,
    ReportError,
    parse_duration,
    truncate_message,
    validate_name,
)
from report_signatures import UTF16_BOMS
from run_metadata import RunMetadata

_ROOTS = ("testsuites", "testsuite")
_UNNAMED_SUITE = "unnamed"
_SEVERITY: dict[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_OUTCOME_ELEMENTS: dict[str, Outcome] = {
    "skipped": "skipped",
    "failure": "failed",
    "error": "error",
}
_RERUN_ELEMENTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError", "rerun"})
_NOT_RUN_VALUES = frozenset({"notrun", "disabled", "skipped", "suppressed"})
# pyexpat passes other names to Python's codec registry, which contains more than text encodings.
_ENCODINGS = frozenset(
    {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"}
)


def is_junit_xml(head: bytes) -> bool:
    """Return whether the report starts as XML, in UTF-8 or in UTF-16 with a byte order mark."""
    return head.startswith(b"<") or (
        head.startswith(UTF16_BOMS) and head[2:].strip(b"\0").startswith(b"<")
    )


def read_junit_xml(
    chunks: Iterable[bytes],
    limits: Limits,
    first_line: int = 1,
    metadata: RunMetadata | None = None,
) -> Iterator[list[CaseResult]]:
    """Yield the cases of a JUnit XML report in batches; see `report_formats`."""
    parser = _Parser(limits, first_line, metadata or RunMetadata())
    for chunk in chunks:
        if batch := parser.feed(chunk):
            yield batch
    parser.close()


class _Parser:
    """Converts the events of expat to case results."""

    def __init__(self, limits: Limits, first_line: int, metadata: RunMetadata) -> None:
        self._limits = limits
        self._metadata = metadata
        self._first_line = first_line
        self._cases: list[CaseResult] = []
        self._suites: list[str] = []
        self._depth = 0
        # Bytes since the last event of expat: the length of an unfinished tag or comment.
        self._bytes_without_event = 0

        self._case_depth = 0  # 0: outside any case
        self._classname = self._name = ""
        self._duration: float | None = None
        self._outcome: Outcome = "passed"
        self._message = ""
        self._reruns = 0

        self._text_depth = 0  # 0: text is skipped
        self._text: list[str] = []
        self._text_chars = 0
        self._text_is_truncated = False

        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._on_declaration
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.CommentHandler = self._on_other
        parser.ProcessingInstructionHandler = self._on_other

    def feed(self, chunk: bytes) -> list[CaseResult]:
        """Return the cases that end in this chunk."""
        self._bytes_without_event += len(chunk)
        self._parse(chunk, final=False)
        if self._bytes_without_event > self._limits.max_record_bytes:
            raise self._error(
                "the tag or comment is too long",
                accepted=f"up to {self._limits.max_record_bytes} bytes",
            )
        cases = self._cases
        self._cases = []
        return cases

    def close(self) -> None:
        """Raise `ReportError` unless the document is complete."""
        self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except ReportError as error:
            error.locate(line=self._line())
            raise
        except expat.ExpatError as error:
            raise self._error(
                f"malformed XML ({expat.ErrorString(error.code)})", accepted="well-formed XML"
            ) from error
        except (ValueError, LookupError) as error:
            raise self._error(f"text cannot be decoded ({error})", accepted="UTF-8") from error

    def _line(self) -> int:
        return self._first_line + self._parser.CurrentLineNumber - 1

    def _error(self, problem: str, *, accepted: str) -> ReportError:
        return ReportError(problem, accepted=accepted).locate(line=self._line())

    def _on_declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise ReportError(
                "the encoding is not accepted",
                field="encoding",
                value=encoding,
                accepted=", ".join(sorted(_ENCODINGS)),
            )

    def _on_doctype(self, name: str, *_: object) -> None:
        # A document type can declare external entities and exponential entity expansion.
        raise ReportError(
            "the report has a document type declaration",
            value=name,
            accepted="XML without <!DOCTYPE>",
        )

    def _on_other(self, *_: str) -> None:
        self._bytes_without_event = 0

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        self._bytes_without_event = 0
        self._depth += 1
        if self._depth > self._limits.max_depth:
            raise ReportError(
                "elements are nested too deeply", accepted=f"up to {self._limits.max_depth} levels"
            )
        if self._depth == 1 and tag not in _ROOTS:
            raise ReportError(
                "the root element is not the root of a JUnit report",
                value=tag,
                accepted=", ".join(_ROOTS),
            )
        if tag == "testcase":
            self._start_case(attributes)
        elif self._case_depth:
            if self._depth == self._case_depth + 1:
                self._start_child(tag, attributes)
        elif tag == "property":
            self._metadata.add(attributes.get("name", ""), attributes.get("value", ""))
        elif tag in _ROOTS:
            self._metadata.add_start_time(attributes.get("timestamp", ""))
            if tag == "testsuites":
                return
            name = attributes.get("name", "").strip()
            if self._suites and self._suites[-1]:
                name = f"{self._suites[-1]} > {name}" if name else self._suites[-1]
            self._suites.append(validate_name(name, "suite", self._limits, required=False))

    def _start_case(self, attributes: dict[str, str]) -> None:
        if self._case_depth:
            raise ReportError("testcase elements are nested", accepted="testcase within testsuite")
        self._case_depth = self._depth
        get = attributes.get
        self._name = validate_name(get("name", ""), "testcase name", self._limits)
        self._classname = validate_name(
            get("classname", ""), "testcase classname", self._limits, required=False
        )
        self._duration = parse_duration(get("time", ""), "testcase time")
        not_run = get("status") in _NOT_RUN_VALUES or get("result") in _NOT_RUN_VALUES
        self._outcome = "skipped" if not_run else "passed"
        self._message = ""
        self._reruns = 0

    def _start_child(self, tag: str, attributes: dict[str, str]) -> None:
        outcome = _OUTCOME_ELEMENTS.get(tag)
        if outcome is None:
            self._reruns += tag in _RERUN_ELEMENTS
            return
        difference = _SEVERITY[outcome] - _SEVERITY[self._outcome]
        # The most severe element determines outcome and message; of equal ones, the first that
        # has a message.
        if difference < 0 or (difference == 0 and self._message):
            return
        self._outcome = outcome
        self._message = attributes.get("message", "")
        if not self._message.strip():
            self._message = attributes.get("type", "")  # replaced by the text, if there is any
            self._text_depth = self._depth
            self._text.clear()
            self._text_chars = 0
            self._text_is_truncated = False

    def _on_text(self, text: str) -> None:
        self._bytes_without_event = 0
        if self._text_depth and not self._text_is_truncated:
            self._append_text(text if self._text_chars else text.lstrip())

    def _append_text(self, text: str) -> None:
        capacity = self._limits.max_message_chars - self._text_chars
        if kept := text[:capacity]:
            self._text.append(kept)
            self._text_chars += len(kept)
        rest = text[capacity:]
        self._text_is_truncated = bool(rest) and not rest.isspace()

    def _on_end(self, tag: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if depth == self._case_depth:
            self._case_depth = 0
            suite = (self._suites and self._suites[-1]) or self._classname.strip() or _UNNAMED_SUITE
            self._cases.append(
                CaseResult(
                    suite,
                    self._classname,
                    self._name,
                    self._outcome,
                    self._duration,
                    truncate_message(self._message, self._limits),
                    self._reruns,
                )
            )
        elif depth == self._text_depth:
            self._text_depth = 0
            text = "".join(self._text)
            # One character over the limit, so that truncate_message() marks the truncation.
            text = text + "…" if self._text_is_truncated else text.rstrip()
            self._message = text or self._message
        elif tag == "testsuite" and not self._case_depth:
            self._suites.pop()
