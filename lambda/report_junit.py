"""JUnit XML, read with expat as it streams in: no tree is built, no document type is allowed.

Dialects differ in nesting (suites within suites, cases outside any suite), missing times,
thousands separators, rerun and flaky elements (Maven Surefire), `status` and `result` attributes
(GoogleTest); all are read alike. Elements that say nothing about a case's outcome (its
properties, captured output) are passed over, however long; see `run_facts` for the properties of
suites.
"""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from report_model import (
    CaseResult,
    Limits,
    Outcome,
    ReportError,
    checked_name,
    cut_message,
    to_seconds,
)
from run_facts import RunFacts

FORMAT = "junit-xml"

_ROOTS = ("testsuites", "testsuite")
_UNNAMED = "unnamed"
_SEVERITY: dict[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_OUTCOME_ELEMENTS: dict[str, Outcome] = {
    "skipped": "skipped",
    "failure": "failed",
    "error": "error",
}
_RERUN_ELEMENTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError", "rerun"})
_NOT_RUN = frozenset({"notrun", "disabled", "skipped", "suppressed"})
# Python would try any codec of its own for another name, some of which are no text encodings.
_ENCODINGS = frozenset(
    {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"}
)


def junit_batches(
    chunks: Iterable[bytes], limits: Limits, first_line: int = 1, facts: RunFacts | None = None
) -> Iterator[list[CaseResult]]:
    """The cases of a JUnit XML report, some at a time; what its suites say goes into `facts`."""
    reader = _Reader(limits, first_line, facts or RunFacts())
    for chunk in chunks:
        if batch := reader.feed(chunk):
            yield batch
    reader.close()


class _Reader:
    """Turns expat's events into case results."""

    def __init__(self, limits: Limits, first_line: int, facts: RunFacts) -> None:
        self._limits = limits
        self._facts = facts
        self._first_line = first_line
        self._cases: list[CaseResult] = []
        self._suites: list[str] = []
        self._depth = 0
        # Bytes fed since expat last had something to report: one unfinished tag or comment.
        self._silent_bytes = 0

        self._case_depth = 0  # 0: outside any case
        self._classname = self._name = ""
        self._duration: float | None = None
        self._outcome: Outcome = "passed"
        self._message = ""
        self._reruns = 0

        self._text_depth = 0  # 0: text is of no interest
        self._text: list[str] = []
        self._text_chars = 0
        self._text_is_cut = False

        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._other
        parser.ProcessingInstructionHandler = self._other

    def feed(self, chunk: bytes) -> list[CaseResult]:
        """The cases that ended in this chunk."""
        self._silent_bytes += len(chunk)
        self._parse(chunk, final=False)
        if self._silent_bytes > self._limits.max_record_bytes:
            raise self._error(
                "the tag or comment is too long",
                accepted=f"up to {self._limits.max_record_bytes} bytes",
            )
        cases = self._cases
        self._cases = []
        return cases

    def close(self) -> None:
        """Make sure that the document has come to its end."""
        self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except ReportError as error:
            error.at(FORMAT, self._line())
            raise
        except expat.ExpatError as error:
            raise self._error(
                f"broken XML ({expat.ErrorString(error.code)})", accepted="well-formed XML"
            ) from error
        except (ValueError, LookupError) as error:
            raise self._error(f"text cannot be decoded ({error})", accepted="UTF-8") from error

    def _line(self) -> int:
        return self._first_line + self._parser.CurrentLineNumber - 1

    def _error(self, problem: str, *, accepted: str) -> ReportError:
        return ReportError(problem, accepted=accepted).at(FORMAT, self._line())

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise ReportError(
                "the encoding is not accepted",
                field="encoding",
                value=encoding,
                accepted=", ".join(sorted(_ENCODINGS)),
            )

    def _doctype(self, name: str, *_: object) -> None:
        # Entities that multiply, and references to other files, can only be declared here.
        raise ReportError(
            "the report has a document type", value=name, accepted="XML without <!DOCTYPE>"
        )

    def _other(self, *_: str) -> None:
        self._silent_bytes = 0

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._silent_bytes = 0
        self._depth += 1
        if self._depth > self._limits.max_depth:
            raise ReportError(
                "elements are nested too deep", accepted=f"up to {self._limits.max_depth} levels"
            )
        if self._depth == 1 and tag not in _ROOTS:
            raise ReportError(
                "the root element is not that of a JUnit report",
                value=tag,
                accepted=", ".join(_ROOTS),
            )
        if tag == "testcase":
            self._start_case(attributes)
        elif self._case_depth:
            if self._depth == self._case_depth + 1:
                self._start_child(tag, attributes)
        elif tag == "property":
            self._facts.add(attributes.get("name", ""), attributes.get("value", ""))
        elif tag in _ROOTS:
            self._facts.began(attributes.get("timestamp", ""))
            if tag == "testsuites":
                return
            name = attributes.get("name", "").strip()
            if self._suites and self._suites[-1]:
                name = f"{self._suites[-1]} > {name}" if name else self._suites[-1]
            self._suites.append(checked_name(name, "suite", self._limits, required=False))

    def _start_case(self, attributes: dict[str, str]) -> None:
        if self._case_depth:
            raise ReportError("a testcase stands inside a testcase", accepted="one after the other")
        self._case_depth = self._depth
        get = attributes.get
        self._name = checked_name(get("name", ""), "testcase name", self._limits)
        self._classname = checked_name(
            get("classname", ""), "testcase classname", self._limits, required=False
        )
        self._duration = to_seconds(get("time", ""), "testcase time")
        not_run = get("status") in _NOT_RUN or get("result") in _NOT_RUN
        self._outcome = "skipped" if not_run else "passed"
        self._message = ""
        self._reruns = 0

    def _start_child(self, tag: str, attributes: dict[str, str]) -> None:
        outcome = _OUTCOME_ELEMENTS.get(tag)
        if outcome is None:
            self._reruns += tag in _RERUN_ELEMENTS
            return
        worse = _SEVERITY[outcome] - _SEVERITY[self._outcome]
        # Of several elements the worst one speaks, of equally bad ones the first with a message.
        if worse < 0 or (worse == 0 and self._message):
            return
        self._outcome = outcome
        self._message = attributes.get("message", "")
        if not self._message.strip():
            self._message = attributes.get("type", "")  # unless the text says more
            self._text_depth = self._depth
            self._text.clear()
            self._text_chars = 0
            self._text_is_cut = False

    def _characters(self, text: str) -> None:
        self._silent_bytes = 0
        if self._text_depth and not self._text_is_cut:
            self._gather(text if self._text_chars else text.lstrip())

    def _gather(self, text: str) -> None:
        room = self._limits.max_message_chars - self._text_chars
        if kept := text[:room]:
            self._text.append(kept)
            self._text_chars += len(kept)
        left = text[room:]
        self._text_is_cut = bool(left) and not left.isspace()

    def _end(self, tag: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if depth == self._case_depth:
            self._case_depth = 0
            suite = (self._suites and self._suites[-1]) or self._classname.strip() or _UNNAMED
            self._cases.append(
                CaseResult(
                    suite,
                    self._classname,
                    self._name,
                    self._outcome,
                    self._duration,
                    cut_message(self._message, self._limits),
                    self._reruns,
                )
            )
        elif depth == self._text_depth:
            self._text_depth = 0
            text = "".join(self._text)
            # One character too many, so that the message is seen to be cut.
            text = text + "…" if self._text_is_cut else text.rstrip()
            self._message = text or self._message
        elif tag == "testsuite" and not self._case_depth:
            self._suites.pop()
