"""Small additions to the repository, one for each row of the table in CONTRIBUTING.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Edit = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Addition:
    """Edits of a copy of the repository, and the tests and Python code that succeed afterwards."""

    edits: Mapping[str, Edit]
    tests: tuple[str, ...] = ()
    check: str = ""


def replace(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        return text.replace(old, new)

    return edit


def before(anchor: str, new: str) -> Edit:
    return replace(anchor, new + anchor)


def after(anchor: str, new: str) -> Edit:
    return replace(anchor, anchor + new)


def append(new: str) -> Edit:
    return lambda text: text + new


def create(new: str) -> Edit:
    def edit(text: str) -> str:
        assert not text, "the file exists"
        return new

    return edit


def chain(*edits: Edit) -> Edit:
    def edit(text: str) -> str:
        for one in edits:
            text = one(text)
        return text

    return edit


READER = '''\
"""Reads the Test Anything Protocol: a line `ok 1 name` or `not ok 2 name` for each case."""

from collections.abc import Iterable, Iterator

from report_model import CaseResult, Limits, Outcome
from run_metadata import RunMetadata


def is_tap(head: bytes) -> bool:
    """Return whether the report begins with the version of the protocol."""
    return head.startswith(b"TAP version ")


def read_tap(
    chunks: Iterable[bytes], limits: Limits, first_line: int, metadata: RunMetadata
) -> Iterator[list[CaseResult]]:
    """Yield the cases of the report."""
    for line in b"".join(chunks).decode().splitlines():
        words = line.split(maxsplit=3 if line.startswith("not ") else 2)
        if words and "ok" in words[:2]:
            outcome: Outcome = "failed" if words[0] == "not" else "passed"
            yield [CaseResult("tap", "", words[-1], outcome, None, "", 0)]
'''
READER_TEST = """\
import io

from report_parser import open_report


def test_tap_reports_are_read() -> None:
    report = open_report(io.BytesIO(b"TAP version 14\\n1..2\\nok 1 first\\nnot ok 2 second\\n"))
    assert [case.outcome for case in report] == ["passed", "failed"]
    assert report.format == "tap"
"""

EXAMPLE_STACK = """\
\"\"\"ExampleStack: a bucket that sends event notifications to a queue.\"\"\"

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from lib.messaging.queue import Queue
from lib.settings import Settings
from lib.stacks import STACKS
from lib.storage.bucket import EventNotification, SecureBucket
from lib.system import create_context


class ExampleStack(TerraformStack):
    \"\"\"Composes a bucket and a queue.\"\"\"

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        context = create_context(
            self, settings=settings, spec=STACKS["example"], region=settings.aws_region
        )
        queue = Queue(
            self, "Queue", context=context, kind="queue", visibility_timeout_seconds=60
        )
        bucket = SecureBucket(
            self,
            "Data",
            context=context,
            kind="data",
            notification=EventNotification(queue=queue),
        )
        TerraformOutput(self, "data_bucket_name", value=bucket.name)
"""
EXAMPLE_STACK_TEST = """\
from tests.support.synthesis import Synthesizer


def test_names_start_with_the_prefix(synth: Synthesizer) -> None:
    template = synth("example")
    assert template.get("aws_sqs_queue", "Queue")["name"] == "example-queue-unit"
"""
EVALUATE_EXAMPLE = """
from pathlib import Path
from tempfile import mkdtemp
from lib.rules import findings
from lib.settings import load_settings
from lib.stacks import placeholder_variables
from lib.synthesis import synthesize

settings = load_settings({**placeholder_variables(), "STACKS": "example"})
(template,) = synthesize(settings, Path(mkdtemp()))
assert findings(template) == [], findings(template)
"""
ARCHIVE = """\
        SecureBucket(
            self,
            "Archive",
            context=context,
            kind="archive",
            retention=Retention(expiration_days=30),
        )

"""
ARCHIVE_TEST = """

def test_archive_expires(tap: Template) -> None:
    rules = tap.get("aws_s3_bucket_lifecycle_configuration", "Archive/Lifecycle")["rule"]
    (rule,) = [rule for rule in rules if "expiration" in rule]
    assert rule["expiration"] == [{"days": 30}]
"""
BACKUP_WINDOW_TEST = """

def test_backup_window_is_a_setting(synth: Synthesizer) -> None:
    template = synth("tap", TAP_DATABASE_BACKUP_WINDOW="04:00-05:00")
    assert template.get("aws_rds_cluster")["preferred_backup_window"] == "04:00-05:00"
"""

ADDITIONS = {
    "bucket": Addition(
        edits={
            "lib/tap_stack.py": chain(
                before("        outputs = {\n", ARCHIVE),
                before(
                    "from lib.system import",
                    "from lib.storage.bucket import Retention, SecureBucket\n",
                ),
            ),
            "tests/unit/test_tap_stack.py": append(ARCHIVE_TEST),
        },
        tests=("tests/unit/test_tap_stack.py",),
    ),
    "alarm": Addition(
        edits={
            "lib/monitoring/platform_rules.py": after(
                '        metrics.rule("deadlocks", "Transactions deadlock", "Deadlocks", "Sum", 0),'
                "\n",
                '        metrics.rule("logins", "Many logins", "Logins", "Sum", 100),\n',
            ),
            "tests/unit/test_monitoring.py": after(
                '    "aurora-deadlocks": ("Deadlocks", "Sum", ">", 0, 1),\n',
                '    "aurora-logins": ("Logins", "Sum", ">", 100, 1),\n',
            ),
        },
        tests=("tests/unit/test_monitoring.py",),
    ),
    "CIS alarm": Addition(
        edits={
            "lib/monitoring/cis_table.py": replace(
                "    ),\n)\n",
                """    ),
    CisAlarm(
        16,
        "access-key-changes",
        "An access key was changed",
        _events("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", source="iam"),
    ),
)
""",
            )
        },
        tests=("tests/unit/test_monitoring_cis.py", "tests/unit/test_settings_errors.py"),
    ),
    "setting": Addition(
        edits={
            "lib/settings/sections.py": before(
                "    reader_count: int = Field(",
                """    backup_window: Annotated[str, Field(pattern="^[0-9:-]{11}$")] = Field(
        "02:00-03:00", description="a daily period in UTC such as 02:00-03:00"
    )
""",
            ),
            "lib/database/config.py": after(
                "    reader_count: int = 1\n", '    backup_window: str = "02:00-03:00"\n'
            ),
            "lib/database/aurora.py": chain(
                replace("=BACKUP_WINDOW,", "=config.backup_window,"),
                replace("    BACKUP_WINDOW,\n", ""),
            ),
            "tests/unit/test_database.py": append(BACKUP_WINDOW_TEST),
        },
        tests=("tests/unit/test_database.py", "tests/unit/test_settings.py"),
    ),
    "stack": Addition(
        edits={
            "lib/example_stack.py": create(EXAMPLE_STACK),
            "lib/stacks.py": before(
                '    StackSpec(\n        name="state"',
                """    StackSpec(
        name="example",
        class_path="lib.example_stack:ExampleStack",
        prefix="example-",
        component="example",
        purpose="Shows how a stack is added",
    ),
""",
            ),
            "tests/unit/test_example_stack.py": create(EXAMPLE_STACK_TEST),
            "README.md": replace(
                "`web`, `state`, separated", "`web`, `example`, `state`, separated"
            ),
        },
        tests=("tests/unit/test_example_stack.py", "tests/unit/test_docs.py"),
        check=EVALUATE_EXAMPLE,
    ),
    "report format": Addition(
        edits={
            "lambda/report_example.py": create(READER),
            "lambda/report_formats.py": chain(
                before("from report_junit", "from report_example import is_tap, read_tap\n"),
                before(
                    '    ReportFormat("csv"', '    ReportFormat("tap", "TAP", is_tap, read_tap),\n'
                ),
            ),
            "tests/unit/test_report_example.py": create(READER_TEST),
        },
        tests=("tests/unit/test_report_example.py", "tests/unit/test_report_parser.py"),
    ),
    "review rule": Addition(
        edits={
            "tools/plan_review/checks/settings.py": append(
                '''

def tracing_disabled(change: Change) -> Iterator[Evidence]:
    """Yield that a function's tracing is turned off."""
    modes = [flatten(one).get("tracing_config.mode") for one in (change.before, change.after)]
    if modes == [["Active"], ["PassThrough"]]:
        yield Evidence("tracing-disabled")
'''
            ),
            "tools/plan_review/rules.py": before(
                '    Rule(\n        *("cost-increased"',
                """    Rule(
        *("tracing-disabled", Level.LOOK, Section.PROTECTION, "tracing disabled"),
        "the tracing of a function is turned off",
        checks=(settings.tracing_disabled,),
    ),
""",
            ),
            "tests/support/plan_changes.py": after(
                "CASES: list[tuple[str, Entry]] = [\n",
                """    (
        "tracing-disabled",
        change(
            "aws_lambda_function",
            {"tracing_config": [{"mode": "Active"}]},
            {"tracing_config": [{"mode": "PassThrough"}]},
        ),
    ),
    (
        "not tracing-disabled",
        change(
            "aws_lambda_function",
            {"tracing_config": [{"mode": "PassThrough"}]},
            {"tracing_config": [{"mode": "Active"}]},
        ),
    ),
""",
            ),
        },
        tests=("tests/unit/test_plan_review_rules.py", "tests/unit/test_plan_review_report.py"),
    ),
    "rule": Addition(
        edits={
            "lib/rules/upkeep.py": append(
                '''

@rule(
    why="Without traces the cause of a slow request is not visible",
    remedy="Set the mode of tracing_config to Active",
    severity="medium",
)
def functions_are_traced(template: Template) -> Violations:
    """Every function traces its requests."""
    for function in template.resources("aws_lambda_function"):
        if listed(function.get("tracing_config", {}))[0].get("mode") != "Active":
            yield f"{function}: requests are not traced"
'''
            ),
            "tests/support/faults/platform.py": append(
                'setting("functions_are_traced", "aws_lambda_function", None, "tracing_config",'
                " None)\n"
            ),
        },
        tests=("tests/unit/test_planted_faults.py", "-k", "traced or every_rule"),
    ),
    "generated document": Addition(
        edits={
            "tools/docs.py": after(
                "GENERATORS = (\n",
                '    Generator("docs/example.md", "tools.example_document:document"),\n',
            ),
            "tools/example_document.py": create(
                '"""Writes docs/example.md."""\n\n\n'
                'def document() -> str:\n    return "# Example\\n"\n'
            ),
        },
        check="""
from pathlib import Path
from tools.docs import stale_documents
assert "docs/example.md" in stale_documents()
""",
    ),
}
