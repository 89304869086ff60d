"""Reviews of plans that real Terraform creates on the emulator."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.integration.conftest import Environment, Platform
from tests.support.small_stack import CASES, NEW_SECRET, SECRET, changed, stack, write
from tests.support.synthesis import PLACEHOLDERS
from tools.emulator import Emulator
from tools.plan_review import COMMENT_LIMIT, Level, Review, evaluate, planning, read, report
from tools.plan_review.cli import command
from tools.terraform import Workspace

VERDICTS = {
    "no-change": Level.SAFE,
    "tags-only": Level.SAFE,
    "a-grown-instance": Level.LOOK,
    "a-replaced-database": Level.STOP,
    "a-deleted-bucket": Level.STOP,
    "an-opened-security-group": Level.STOP,
    "a-widened-policy": Level.LOOK,
    "a-rotated-secret": Level.LOOK,
}
# Identifiers that the emulator generates.
IDS = re.compile(r"\b(sg|sgr|i|vpc|ami|subnet)-[0-9a-f]{8,17}\b")


class Reports(SingleFileSnapshotExtension):
    """Stores reports as Markdown files, which GitHub renders like the comment."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"


@pytest.fixture
def snapshot_report(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Reports)


@pytest.fixture(scope="module")
def account(terraform_is_ready: None, fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


@pytest.fixture(scope="module")
def deployed(account: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small stack, deployed."""
    workspace = Workspace(tmp_path_factory.mktemp("small"), account.environment())
    write(stack(), workspace.folder)
    workspace.init()
    workspace.apply()
    return workspace


@pytest.fixture(scope="module")
def reviews(
    deployed: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Review]]:
    """The reviews of all cases; each is planned on a copy of the state."""

    def reviewed(case: str) -> Review:
        folder = tmp_path_factory.mktemp("case") / "small"
        shutil.copytree(deployed.folder, folder, symlinks=True)
        document = changed(case)
        write(document, folder)
        plan = read(planning.plan(Workspace(folder, deployed.extra)), document, name="small")
        assert not list(folder.glob("*.tfplan")), "the plan file was not removed"
        return evaluate([plan])

    with ThreadPoolExecutor(3) as pool:
        yield dict(zip(CASES, pool.map(reviewed, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_verdict_and_report(
    case: str, reviews: dict[str, Review], snapshot_report: SnapshotAssertion
) -> None:
    text = report(reviews[case])
    assert reviews[case].level is VERDICTS[case], text
    assert IDS.sub(r"\1-0", text) == snapshot_report


@pytest.mark.parametrize("case", CASES)
def test_no_report_contains_the_secret(case: str, reviews: dict[str, Review]) -> None:
    for text in (report(reviews[case]), report(reviews[case], limit=None)):
        assert SECRET not in text
        assert NEW_SECRET not in text


def test_an_unchanged_deployment_is_safe_in_one_line(reviews: dict[str, Review]) -> None:
    first, *others = report(reviews["no-change"]).strip().splitlines()
    assert first == "🟢 **safe**: nothing changes in `small`"
    assert [line for line in others if line] == ["<!-- plan-review -->"]


# ---- whole stacks -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unchanged(platform: Platform) -> Iterator[dict[str, str]]:
    """The reports on deployed stacks without changes, by stack."""

    def reported(environment: Environment) -> tuple[str, str]:
        plan = planning.plan_stack(environment.terraform, environment.stack)
        return environment.stack, report(evaluate([plan]), limit=None)

    with ThreadPoolExecutor(2) as pool:
        yield dict(pool.map(reported, [platform.default, platform.bastion, platform.web]))


@pytest.mark.parametrize("stack", ["tap", "bastion", "web"])
def test_an_unchanged_stack_is_safe_in_one_line(stack: str, unchanged: dict[str, str]) -> None:
    """The refresh of some 400 resources after their creation finds no drift either."""
    expected = f"🟢 **safe**: nothing changes in `{stack}`\n\n<!-- plan-review -->\n"
    assert unchanged[stack] == expected


def test_a_first_deploy_of_300_resources_fits_in_a_comment(
    account: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket = "plan-review-states"
    account.client("s3").create_bucket(Bucket=bucket)
    needed = PLACEHOLDERS["bastion"] | PLACEHOLDERS["web"]
    settings = {"STACKS": "tap,bastion,web", "TERRAFORM_STATE_BUCKET": bucket, **needed}
    for name, value in (account.environment() | settings).items():
        monkeypatch.setenv(name, value)
    short, full = tmp_path / "report.md", tmp_path / "full.md"
    result = CliRunner().invoke(command, ["--output", str(short), "--full", str(full)])
    text = short.read_text()
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == text.splitlines()[0]
    assert result.exit_code == Level.LOOK.exit_code, text[:2000]
    counts = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", text, re.MULTILINE)
    assert {name for name, _ in counts} >= {"tap", "bastion", "web"}
    assert sum(int(number.replace(",", "")) for _, number in counts[:3]) >= 300
    assert len(text.encode()) <= COMMENT_LIMIT
    assert len(full.read_text()) > len(text)
    assert "Shortened to fit; omitted entries are counted." in text
