"""The table "Files to touch" of CONTRIBUTING.md: each addition works with exactly these files.

Every test applies a small addition to a copy of the repository and runs a check there. The edits
name the same files as the table; the files that `make docs` and `make snapshots` would change are
those of the table's last column.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.support.synthesis import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
LINKED = (".venv", "node_modules", ".build", ".tools")
SNAPSHOTS = "tests/snapshots/"
Edit = Callable[[str], str]

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: patterns of the files to edit and of the generated files."""

    edited: tuple[str, ...]
    generated: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Addition:
    """Edits of a copy of the repository, and the tests and Python code that succeed afterwards."""

    edits: Mapping[str, Edit]
    tests: tuple[str, ...] = ()
    check: str = ""


def rows() -> dict[str, Row]:
    """The rows of the table by their first column."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Files to touch\n")[2]
    found = {}
    for line in section.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "addition":
            edited, generated = (tuple(re.findall(r"`([^`]+)`", cell)) for cell in cells[1:3])
            found[cells[0]] = Row(edited=edited, generated=generated)
    return found


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


ROWS = rows()

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


def test_table_has_an_addition_for_each_row() -> None:
    assert set(ROWS) == set(ADDITIONS)


def test_additions_stay_within_the_limits_of_files() -> None:
    """A stack touches at most eight files, a review rule three, a CIS alarm its table only."""
    stack = ROWS["stack"]
    documents = [path for path in stack.generated if path != SNAPSHOTS]
    assert len(stack.edited) + len(documents) + len(ENVIRONMENTS) <= 8
    assert len(ROWS["review rule"].edited) == 3
    assert len(ROWS["CIS alarm"].edited) == 1
    assert len(ROWS["report format"].edited) == 3


def copy_repository(place: Path) -> None:
    """Copy the repository's files; environments and caches are links."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file() and not source.is_symlink():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            # Byte code is valid for the time stamp of its source.
            shutil.copy2(source, place / name)
    for package in ("lib", "lambda", "tools", "tests"):
        for cache in (ROOT / package).rglob("__pycache__"):
            shutil.copytree(cache, place / cache.relative_to(ROOT))
    for name in LINKED:
        (place / name).symlink_to(ROOT / name)


def run(copy: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class State:
    """Generated documents of a project that are stale, and the synthesized JSON of its stacks."""

    stale: set[str]
    stacks: dict[str, object]


STATE = """
import json, sys
from pathlib import Path
from lib.settings import load_settings
from lib.stacks import STACKS, placeholder_variables
from lib.synthesis import synthesize
from tools.docs import stale_documents

stale = stale_documents()
settings = load_settings({**placeholder_variables(), "STACKS": ",".join(STACKS)})
synthesize(settings, Path(sys.argv[1]))
print(json.dumps(stale))
"""


def state_of(project: Path, output: Path) -> State:
    stale = json.loads(run(project, "-c", STATE, str(output)).splitlines()[-1])
    stacks = {
        file.parent.name: json.loads(file.read_text(encoding="utf-8"))
        for file in output.glob("stacks/*/cdk.tf.json")
    }
    assert stacks
    return State(set(stale), stacks)


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> State:
    """The repository without an addition. Another test reports stale documents."""
    return state_of(ROOT, tmp_path_factory.mktemp("present"))


def without_hashes(stacks: dict[str, object]) -> str:
    """The JSON as snapshots contain it: the hash of the function's package is masked."""
    text = json.dumps(stacks, sort_keys=True)
    return re.sub(r'(?<=/)[0-9A-Fa-f]{16,64}(?=[/.])|(?<="source_code_hash": ")[^"]*', "", text)


def problems(name: str, present: State, folder: Path) -> list[str]:
    """Apply an addition to a copy in `folder` and return what contradicts its row."""
    addition, row, copy = ADDITIONS[name], ROWS[name], folder / "repository"
    copy_repository(copy)
    for path, edit in addition.edits.items():
        file = copy / path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(edit(text), encoding="utf-8")
    after_addition = state_of(copy, folder / "out")
    changed = after_addition.stale - present.stale
    if without_hashes(after_addition.stacks) != without_hashes(present.stacks):
        changed.add(SNAPSHOTS)
    if addition.check:
        run(copy, "-c", addition.check)
    if addition.tests:
        run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *addition.tests)
    return [
        *(
            f"{path} changes, and the row does not list it"
            for path in changed
            if not any(fnmatchcase(path, pattern) for pattern in row.generated)
        ),
        *(
            f"{pattern} is listed, and does not change"
            for pattern in row.generated
            if not any(fnmatchcase(path, pattern) for path in changed)
        ),
    ]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, present: State, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[list[str]]]]:
    """The results of the selected additions, which run two at a time."""
    names = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(max_workers=2) as executor:
        yield {
            name: executor.submit(problems, name, present, tmp_path_factory.mktemp("addition"))
            for name in names
        }


@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_edits_the_files_of_its_row(name: str) -> None:
    assert set(ADDITIONS[name].edits) == set(ROWS[name].edited)


@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_works_with_the_files_of_its_row(
    name: str, results: dict[str, Future[list[str]]]
) -> None:
    assert results[name].result() == []
