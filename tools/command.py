"""Base classes of all commands: `@click.command(cls=ToolCommand)`, and groups that load lazily.

A command function returns its exit code; None means 0. ToolError is printed as `error: …` with
exit code 2, an interrupt ends with 130. See `tools/errors.py`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from tools.errors import INVALID, exit_code
from tools.project import require_checkout


class _ExitCodes:
    """Mixed into click's classes: the exit codes and messages of all tools."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:  # noqa: ANN401
        """Run the command; with `standalone_mode` exit with its code."""

        def call() -> object:
            try:
                return super(_ExitCodes, self).main(  # type: ignore[misc]
                    *args, standalone_mode=False, **extra
                )
            except click.Abort:
                raise KeyboardInterrupt from None
            except click.exceptions.NoArgsIsHelpError as error:
                error.show()
            except click.ClickException as error:
                if isinstance(error, click.UsageError) and error.ctx is not None:
                    click.echo(error.ctx.get_usage(), err=True)
                click.echo(f"error: {error.format_message()}", err=True)
            return INVALID

        if standalone_mode:
            sys.exit(exit_code(call))
        return super().main(*args, standalone_mode=False, **extra)  # type: ignore[misc]


class ToolCommand(_ExitCodes, click.Command):
    """A command with the exit codes of all tools."""


class ToolGroup(_ExitCodes, click.Group):
    """A group with the exit codes of all tools."""


class Subcommand(NamedTuple):
    """A subcommand that is imported when it is called."""

    module: str
    """The module that defines it as `command`."""
    summary: str
    """One line for the list of commands."""
    checkout: bool = True
    """Whether it requires a checkout of the project."""
    hidden: bool = False


class LazyGroup(ToolGroup):
    """A group whose help and shell completion import none of its subcommands."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        subcommands: Mapping[str, Subcommand] | None = None,
        **extra: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **extra)
        self.subcommands = dict(subcommands or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [name for name, row in self.subcommands.items() if not row.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        row = self.subcommands.get(cmd_name)
        if row is None:
            return None
        if row.checkout:
            require_checkout(cmd_name)
        command: click.Command = importlib.import_module(row.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.subcommands[name].summary) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self.subcommands[name].summary) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]
