"""Reader for JUnit XML."""

import io
from pathlib import Path

import pytest

import report_junit
from report_parser import CaseResult, Limits, ReportError, open_report

SAMPLES = Path(__file__).parents[2] / "samples"
NOT_JUNIT = "the root element is not the root of a JUnit report"


def cases(xml: str | bytes, limits: Limits | None = None) -> list[CaseResult]:
    data = xml.encode() if isinstance(xml, str) else xml
    return list(open_report(io.BytesIO(data), limits))


def only_case(body: str) -> CaseResult:
    (case,) = cases(f'<testsuite name="s"><testcase name="t">{body}</testcase></testsuite>')
    return case


def rejection(xml: str | bytes, limits: Limits | None = None) -> ReportError:
    with pytest.raises(ReportError) as caught:
        cases(xml, limits)
    return caught.value


def test_pytest_sample() -> None:
    found = cases((SAMPLES / "pytest.xml").read_bytes())
    assert [case.outcome for case in found] == [
        "passed",
        "passed",
        "failed",
        "passed",
        "passed",
        "skipped",
        "passed",
        "failed",
        "error",
    ]
    assert found[3] == CaseResult(
        "pytest", "tests.checkout.test_payment", "test_card_is_charged", "passed", 1.284, "", 0
    )
    assert found[2].message == "AssertionError: assert Decimal('-0.01') == Decimal('0.00')"
    assert found[5].message == "the sandbox does not offer refunds"
    assert found[8].message.startswith('failed on setup with "ConnectionRefusedError')


def test_surefire_sample() -> None:
    found = cases((SAMPLES / "surefire.xml").read_bytes())
    assert [(case.outcome, case.duration_seconds, case.reruns) for case in found] == [
        ("passed", 1274.038, 0),
        ("passed", 18.411, 1),
        ("failed", 12.775, 1),
        ("skipped", 0.0, 0),
    ]
    assert found[1].message == ""
    assert found[2].message == "expected: <10.01> but was: <10.00>"


def test_names_of_nested_suites_are_joined() -> None:
    found = cases(
        '<testsuites name="all"><testsuite name="outer"><testcase name="a"/>'
        '<testsuite name="inner"><testcase name="b"/></testsuite>'
        '<testsuite><testcase name="c"/></testsuite>'
        '<testcase name="d"/></testsuite><testsuite name="next"><testcase name="e"/></testsuite>'
        "</testsuites>"
    )
    assert [(case.suite, case.name) for case in found] == [
        ("outer", "a"),
        ("outer > inner", "b"),
        ("outer", "c"),
        ("outer", "d"),
        ("next", "e"),
    ]


def test_suite_within_unnamed_suite_has_its_own_name() -> None:
    (case,) = cases(
        '<testsuite><testsuite name="inner"><testcase name="a"/></testsuite></testsuite>'
    )
    assert case.suite == "inner"


@pytest.mark.parametrize(
    ("xml", "suite"),
    [
        ('<testsuites><testcase name="a" classname="c.D"/></testsuites>', "c.D"),
        ('<testsuite name=" "><testcase name="a" classname="c.D"/></testsuite>', "c.D"),
        ('<testsuite><testcase name="a"/></testsuite>', "unnamed"),
        ('<testsuite><testcase name="a" classname=" "/></testsuite>', "unnamed"),
    ],
)
def test_unnamed_suite_is_named_after_the_class(xml: str, suite: str) -> None:
    (case,) = cases(xml)
    assert case.suite == suite


@pytest.mark.parametrize("attribute", ["", 'time=""', 'time=" "'])
def test_missing_time_gives_no_duration(attribute: str) -> None:
    (case,) = cases(f'<testsuite><testcase name="a" {attribute}/></testsuite>')
    assert case.duration_seconds is None


@pytest.mark.parametrize(
    ("body", "outcome", "message"),
    [
        ("", "passed", ""),
        ("<skipped/>", "skipped", ""),
        ('<skipped message="not today"/>', "skipped", "not today"),
        ('<failure message="no"/>', "failed", "no"),
        ('<error message="boom">trace</error>', "error", "boom"),
        ("<failure>\n  only text\n  more \n</failure>", "failed", "only text\n  more"),
        ("<failure><![CDATA[a < b]]></failure>", "failed", "a < b"),
        ('<failure message="  ">text</failure>', "failed", "text"),
        ('<failure type="E"/>', "failed", "E"),
        ('<failure type="E">text</failure>', "failed", "text"),
        ("<failure>a<b>c</b>d</failure>", "failed", "acd"),
        ("<failure>why</failure><system-out>noise</system-out>", "failed", "why"),
        ('<failure message="1"/><failure message="2"/>', "failed", "1"),
        ('<failure/><failure message="2"/>', "failed", "2"),
        ('<failure message="f"/><error message="e"/>', "error", "e"),
        ('<error message="e"/><failure message="f"/>', "error", "e"),
        ('<error/><failure message="f"/>', "error", ""),
        ('<skipped message="s"/><failure message="f"/>', "failed", "f"),
        ('<properties><property name="error"/></properties>', "passed", ""),
        ("<system-out><![CDATA[<failure/>]]></system-out>", "passed", ""),
        ("<x><failure message='not a child of the case'/></x>", "passed", ""),
    ],
)
def test_child_elements_determine_outcome_and_message(
    body: str, outcome: str, message: str
) -> None:
    case = only_case(body)
    assert (case.outcome, case.message) == (outcome, message)


def test_message_contains_text_of_its_own_case_only() -> None:
    first, second = cases(
        '<testsuite><testcase name="a"><failure>one, and much more</failure></testcase>'
        '<testcase name="b"><failure>two</failure></testcase></testsuite>',
        Limits(max_message_chars=4),
    )
    assert (first.message, second.message) == ("one…", "two")


@pytest.mark.parametrize(
    "element", ["flakyFailure", "flakyError", "rerunFailure", "rerunError", "rerun"]
)
def test_rerun_elements_are_counted_without_changing_the_outcome(element: str) -> None:
    case = only_case(f'<{element} message="first try"/><{element}/>')
    assert (case.outcome, case.message, case.reruns) == ("passed", "", 2)


def test_reruns_are_counted_per_case() -> None:
    found = cases(
        '<testsuite><testcase name="a"><rerun/></testcase><testcase name="b"/></testsuite>'
    )
    assert [case.reruns for case in found] == [1, 0]


@pytest.mark.parametrize(
    "attributes",
    ['status="notrun"', 'status="disabled"', 'status="notrun" result="suppressed"',
     'status="run" result="skipped"'],
)  # fmt: skip
def test_googletest_case_that_did_not_run_is_skipped(attributes: str) -> None:
    (case,) = cases(f'<testsuite><testcase name="a" {attributes}/></testsuite>')
    assert case.outcome == "skipped"


def test_googletest_case_that_ran_is_passed() -> None:
    xml = '<testsuite><testcase name="a" status="run" result="completed"/></testsuite>'
    assert cases(xml)[0].outcome == "passed"


def test_googletest_skipped_case_has_the_message_of_its_element() -> None:
    (case,) = cases(
        '<testsuite><testcase name="a" result="skipped"><skipped message="why"/></testcase>'
        "</testsuite>"
    )
    assert (case.outcome, case.message) == ("skipped", "why")


@pytest.mark.parametrize("xml", ["<testsuites/>", '<testsuite name="none" tests="0"></testsuite>'])
def test_report_without_cases_is_valid(xml: str) -> None:
    assert cases(xml) == []


def test_suite_element_within_a_case_is_skipped() -> None:
    found = cases(
        '<testsuite name="s"><testcase name="a"><testsuite name="x"/></testcase>'
        '<testcase name="b"/></testsuite>'
    )
    assert [case.suite for case in found] == ["s", "s"]


def test_message_from_text_is_truncated_at_the_limit() -> None:
    body = "word " * 100_000
    (case,) = cases(
        f'<testsuite><testcase name="a"><failure>{body}</failure></testcase></testsuite>',
        Limits(max_message_chars=50),
    )
    assert len(case.message) == 50
    assert case.message.startswith("word word")
    assert case.message.endswith("…")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1_000])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n   <![CDATA[\n  a]]>  b \n", "a  b"),
        ("0123456789  ", "0123456789"),
        ("0123456789   a", "012345678…"),
        ("0123456789 a      ", "012345678…"),
        ("012345678    ", "012345678"),
        ("0123456789a", "012345678…"),
        ("   \n    ", ""),
    ],
)
def test_message_does_not_depend_on_chunk_size(size: int, text: str, message: str) -> None:
    xml = f"<testsuite><testcase name='a'><failure>{text}</failure></testcase></testsuite>".encode()
    pieces = [xml[place : place + size] for place in range(0, len(xml), size)]
    batches = report_junit.read_junit_xml(pieces, Limits(max_message_chars=10))
    assert [case.message for batch in batches for case in batch] == [message]


def test_output_larger_than_the_record_limit_is_skipped() -> None:
    output = "all work and no play\n" * 20_000
    limits = Limits(max_record_bytes=16_384)
    xml = (
        f'<testsuite name="s"><system-out><![CDATA[{output}]]></system-out><testcase name="a">'
        f"<system-err>{output}</system-err></testcase></testsuite>"
    )
    assert [case.name for case in cases(xml, limits)] == ["a"]


def test_processing_instructions_and_comments_are_skipped() -> None:
    xml = (
        '<?xml-stylesheet href="x"?><testsuite><!-- <testcase/> --><testcase name="a"/></testsuite>'
    )
    assert [case.name for case in cases(xml)] == ["a"]


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-16", "ISO-8859-1", "windows-1252"])
def test_supported_encodings_are_decoded(encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="é"/></testsuite>'
    assert [case.name for case in cases(xml.encode(encoding))] == ["é"]


def test_utf8_byte_order_mark_is_skipped() -> None:
    assert cases(b"\xef\xbb\xbf<testsuite><testcase name='a'/></testsuite>")[0].name == "a"


@pytest.mark.parametrize(
    "encoding", ["hex", "idna", "punycode", "cp932", "utf-7", "unicode_escape", "EBCDIC-CP-BE"]
)
def test_unsupported_encodings_are_rejected(encoding: str) -> None:
    error = rejection(f'<?xml version="1.0" encoding="{encoding}"?><testsuite/>')
    assert str(error).startswith(
        f"junit-xml, line 1, encoding: the encoding is not accepted (received '{encoding}')"
    )


@pytest.mark.parametrize("encoding", ["hex", "cp932", "punycode"])
def test_codec_errors_raise_report_error(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(report_junit, "_ENCODINGS", {encoding})
    error = rejection(f'<?xml version="1.0" encoding="{encoding}"?><testsuite/>')
    assert error.problem.startswith("text cannot be decoded (")


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE testsuite>",
        '<!DOCTYPE testsuite SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE t [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]>',
    ],
)
def test_document_type_declarations_are_rejected(doctype: str) -> None:
    error = rejection(f'{doctype}<testsuite><testcase name="&e;"/></testsuite>')
    assert error.problem == "the report has a document type declaration"


def test_undeclared_entity_is_rejected() -> None:
    assert "undefined entity" in str(rejection("<testsuite>&e;</testsuite>"))


@pytest.mark.parametrize(
    ("xml", "line", "problem"),
    [
        ("<html><body/></html>", 1, NOT_JUNIT),
        ("<testcase name='a'/>", 1, NOT_JUNIT),
        ("<testsuite>\n<testcase/></testsuite>", 2, "is missing or blank"),
        ("<testsuite>\n\n<testcase name=' '/></testsuite>", 3, "is missing or blank"),
        ("<testsuite><testcase name='a' time='1,5'/>", 1, "is not a duration in seconds"),
        (
            "<testsuite>\n<testcase name='a'>\n<testcase name='b'/>",
            3,
            "testcase elements are nested",
        ),
        ("<testsuite>\n", 2, "malformed XML (no element found)"),
        ("<testsuite>\n<testcase name='a'>\n</testsuite>", 3, "malformed XML (mismatched tag)"),
        ("<testsuite/>\n<testsuite/>", 2, "malformed XML (junk after document element)"),
        ("<testsuite>\n<testcase name='a' name='b'/>", 2, "malformed XML (duplicate attribute)"),
        ("<testsuite>\n<testcase name='a", 2, "malformed XML (unclosed token)"),
        ("\n\n <?xml version='1.0'?>\n<html/>", 4, NOT_JUNIT),
    ],
)
def test_invalid_xml_is_rejected_with_its_line(xml: str, line: int, problem: str) -> None:
    error = rejection(xml)
    assert (error.format, error.line, error.problem) == ("junit-xml", line, problem)


def test_iteration_raises_for_an_invalid_case_after_valid_ones() -> None:
    report = open_report(io.BytesIO(b"<testsuite><testcase name='a'/><testcase/></testsuite>"))
    with pytest.raises(ReportError):
        list(report)


def test_bytes_invalid_in_the_declared_encoding_are_rejected() -> None:
    error = rejection(b"<testsuite><testcase name='\xff'/></testsuite>")
    assert "malformed XML (not well-formed (invalid token))" in str(error)


def test_unpaired_surrogate_in_utf16_is_rejected() -> None:
    xml = "\ufeff<testsuite><testcase name='?'/></testsuite>".encode("utf-16-le")
    error = rejection(xml.replace(b"?\0", b"\x00\xd8"))
    assert error.format == "junit-xml"


@pytest.mark.parametrize(
    "long", ["<testcase name='a' x='{}'/>", "<!--{}-->", "<?pi {}?>", "<testcase {}='1'/>"]
)
def test_tag_or_comment_over_the_record_limit_is_rejected(long: str) -> None:
    limits = Limits(max_record_bytes=10_000)
    error = rejection(f"<testsuite>{long.format('y' * 40_000)}</testsuite>", limits)
    assert error.problem == "the tag or comment is too long"
    assert error.accepted == "up to 10000 bytes"


@pytest.mark.parametrize("short", ["<x/>", "<!-- y -->", "<?pi y?>", "text "])
def test_record_limit_does_not_apply_to_the_sum_of_tags(short: str) -> None:
    limits = Limits(max_record_bytes=1_000)
    assert cases(f"<testsuite>{short * 2_000}</testsuite>", limits) == []


def test_nesting_over_the_depth_limit_is_rejected() -> None:
    limits = Limits(max_depth=5)
    assert cases("<testsuite>" * 5 + "</testsuite>" * 5, limits) == []
    error = rejection("<testsuite>" * 6 + "</testsuite>" * 6, limits)
    assert "nested too deeply; accepted: up to 5 levels" in str(error)


def test_joined_suite_name_over_the_limit_is_rejected() -> None:
    limits = Limits(max_name_chars=20)
    suite = '<testsuite name="twelve chars">'
    assert cases(suite + "</testsuite>", limits) == []
    assert rejection(suite * 2, limits).field == "suite"


@pytest.mark.parametrize("attribute", ["name", "classname"])
def test_case_name_over_the_limit_is_rejected(attribute: str) -> None:
    other = "classname" if attribute == "name" else "name"
    xml = f'<testsuite><testcase {other}="a" {attribute}="{"x" * 2001}"/></testsuite>'
    assert rejection(xml).field == f"testcase {attribute}"
