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
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.support.additions import ADDITIONS
from tests.support.synthesis import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
LINKED = (".venv", "node_modules", ".build", ".tools")
SNAPSHOTS = "tests/snapshots/"

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: patterns of the files to edit and of the generated files."""

    edited: tuple[str, ...]
    generated: tuple[str, ...]


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


ROWS = rows()


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
