"""`tap check-dates`: compares the ends of support of what the project uses with today."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import click

from lib.end_of_support import AURORA, ENDS_OF_SUPPORT, POSTGRES, EndOfSupport, today
from lib.settings import Settings
from lib.settings.loading import CONFIG_DIRECTORY
from lib.settings.sections import POSTGRESQL_MAJORS
from tools.command import ToolCommand
from tools.errors import FAILED

ENGINES = {"database": AURORA, "web_database": POSTGRES}


def used_engine_versions() -> set[tuple[str, str]]:
    """Engine and version of the defaults, of the files in config/ and of the accepted majors."""
    used = {(engine, major) for engine in ENGINES.values() for major in POSTGRESQL_MAJORS}
    files = [tomllib.loads(file.read_text()) for file in sorted(CONFIG_DIRECTORY.glob("*.toml"))]
    for section, engine in ENGINES.items():
        default = Settings.model_fields[section].get_default(call_default_factory=True)
        used.add((engine, default.engine_version))
        for file in files:
            version = file.get(section, {}).get("engine_version")
            used |= {(engine, version)} if version else set()
    return used


def used_rows() -> Iterator[EndOfSupport]:
    """The rows of the table that the project uses, in the order of their dates."""
    versions = used_engine_versions()
    for row in sorted(ENDS_OF_SUPPORT, key=lambda one: one.end):
        if row.product not in ENGINES.values() or (row.product, row.version) in versions:
            yield row


@click.command(cls=ToolCommand)
def command() -> int:
    """Print the ends of support that are near or past.

    Covered are the default and configured engine versions, the accepted major versions, and the
    tools. A line begins with `warning:` from 60 days before an end, and if a reason accepts an end
    that has passed; with `error:` after an end. Exit codes: 0 no end has passed, 1 an end has
    passed, 2 invalid input.
    """
    day = today()
    rows = list(used_rows())
    ended = [row for row in rows if row.has_ended(day)]
    for row in ended:
        click.echo(f"error: {row.describe(day)}. {row.remedy}. {row.source}")
    for row in rows:
        if row.needs_warning(day):
            reason = f" Accepted: {row.accepted}." if row.accepted else ""
            click.echo(f"warning: {row.describe(day)}. {row.remedy}.{reason} {row.source}")
    upcoming = next((row for row in rows if row.days_left(day) > 0), None)
    following = f"; next: {upcoming.name} on {upcoming.end}" if upcoming else ""
    click.echo(f"check-dates: {len(rows)} ends of support, {len(ended)} passed{following}")
    return FAILED if ended else 0
