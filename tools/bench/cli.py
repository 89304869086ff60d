"""`tap bench`: measurements that print Markdown tables."""

from __future__ import annotations

import click

from tools.command import LazyGroup, Subcommand


@click.group(
    cls=LazyGroup,
    subcommands={
        "synth": Subcommand("tools.bench.synth", "Time and memory of a synthesis."),
        "data": Subcommand("tools.bench.data", "Cases a second and memory of the data path."),
    },
)
def command() -> None:
    """Measure the synthesis or the data path; progress is printed on standard error."""
