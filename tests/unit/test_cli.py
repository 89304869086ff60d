"""The command line: exit codes, lazy loading, help and shell completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

from lib.settings import SettingsError
from lib.synthesis import SynthesisError
from tools import cli
from tools.command import LazyGroup, Subcommand, ToolCommand
from tools.errors import ToolError
from tools.project import ROOT, require_checkout

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def raising(error: BaseException) -> Callable[[], int]:
    def fail() -> int:
        raise error

    return fail


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (lambda: None, 0, ""),
        (lambda: 1, 1, ""),
        (raising(ToolError("PORT: received 'x'")), 2, "error: PORT: received 'x'\n"),
        (raising(SettingsError("A: one\nB: two")), 2, "error: A: one\nerror: B: two\n"),
        (raising(SynthesisError("STACKS: received x")), 2, "error: STACKS: received x\n"),
        (raising(click.ClickException("file missing")), 2, "error: file missing\n"),
        (raising(KeyboardInterrupt()), 130, "interrupted\n"),
    ],
)
def test_command_ends_with_the_exit_code_of_its_outcome(
    body: Callable[[], int | None], code: int, message: str
) -> None:
    result = CliRunner().invoke(click.command(cls=ToolCommand)(body))
    assert result.exit_code == code
    assert result.stderr.strip() == message.strip()


def test_an_unexpected_error_exits_with_70_and_prints_its_traceback() -> None:
    result = CliRunner().invoke(click.command(cls=ToolCommand)(raising(RuntimeError("no luck"))))
    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("RuntimeError: no luck\n")


def test_wrong_usage_exits_with_2_and_names_the_option() -> None:
    result = CliRunner().invoke(cli.main, ["docs", "--nope"])
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert "error: No such option" in result.stderr


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys; from tools.cli import main, SUBCOMMANDS;"
        "main(['--help'], standalone_mode=False);"
        "loaded = [row.module for row in SUBCOMMANDS.values() if row.module in sys.modules];"
        "assert not loaded, loaded; assert not {'cdktf', 'boto3', 'pydantic'} & {*sys.modules}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in cli.SUBCOMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", cli.SUBCOMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(cli.main, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_shell_completion_offers_commands_with_their_summaries() -> None:
    items = cli.main.shell_complete(click.Context(cli.main), "pl")
    assert "plan-review" in [item.value for item in items]
    assert all(item.help for item in items)


def test_command_that_requires_the_checkout_reports_its_absence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("tools.project.ROOT", tmp_path)
    with pytest.raises(ToolError, match="accepted: a checkout of the project"):
        require_checkout("synth")
    group = LazyGroup("tap", subcommands={"one": Subcommand("no.such", "One.")})
    result = CliRunner().invoke(group, ["one"])
    assert result.exit_code == 2
    assert "error: one: received an installed package" in result.stderr


def test_the_page_of_the_command_line_lists_every_command() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = {line.split()[2] for line in page.splitlines() if line.startswith("| `tap ")}
    rows = {row.rstrip("`") for row in rows}
    assert rows == {name for name, row in cli.SUBCOMMANDS.items() if not row.hidden}


def test_shell_completion_prints_a_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli"],
        cwd=ROOT,
        env=os.environ | {"_TAP_COMPLETE": "zsh_source"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("#compdef tap")


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
def test_make_target_calls_an_existing_command(target: str) -> None:
    recipe = MAKEFILE.partition(f"\n{target}:")[2].partition("\n\n")[0]
    commands = re.findall(r"\$\(TAP\) ([a-z-]+)", recipe)
    assert {*commands} <= {*cli.SUBCOMMANDS}
    if target in cli.SUBCOMMANDS:
        assert commands == [target]
