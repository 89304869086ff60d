"""Reads, merges and validates the settings."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from lib.end_of_support import ReferenceDateError, today
from lib.settings.explanation import (
    PLAIN_VARIABLES,
    SECTION_PREFIX,
    Sources,
    explain,
    section_of,
    unknown_variable,
)
from lib.settings.fields import SettingsError, is_suffix
from lib.settings.model import Settings

CONFIG_DIRECTORY = Path(__file__).resolve().parents[2] / "config"


def load_settings(
    environ: Mapping[str, str] | None = None, config_directory: Path = CONFIG_DIRECTORY
) -> Settings:
    """The settings of the environment `ENVIRONMENT_SUFFIX`; raises `SettingsError`.

    `environ` are the environment variables (by default those of the process); `config_directory`
    contains the file of the environment, which may be missing.
    """
    try:
        today()
    except ReferenceDateError as error:
        raise SettingsError(str(error)) from None
    environ = os.environ if environ is None else environ
    suffix = (
        environ.get("ENVIRONMENT_SUFFIX") or Settings.model_fields["environment_suffix"].default
    )
    # An invalid suffix is not the name of an environment, so it has no file.
    file = config_directory / f"{suffix}.toml" if is_suffix(suffix) else None
    from_file = _read_file(file) if file else {}
    given = _read_environment(environ)
    values = {**from_file, **given.values}
    for section in from_file.keys() & given.values.keys():
        if isinstance(from_file[section], dict) and isinstance(given.values[section], dict):
            values[section] = from_file[section] | given.values[section]
    # With another suffix in its file, a deployment of `dev` would change another environment.
    named = from_file.get("environment_suffix", suffix)
    if file and named != suffix:
        raise SettingsError(
            f"environment_suffix in config/{file.name}: received {named!r}; accepted: {suffix!r},"
            " as in the name of the file. Remove the line, or rename the file."
        )
    problems = given.unknown
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        sources = Sources(
            variables=given.variables,
            file=f"config/{file.name}" if file else None,
            values_of_file=from_file,
        )
        problems += explain(error, sources)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def setting_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables among `environ` that set a field."""
    return {
        name: value
        for name, value in environ.items()
        if value and (name in PLAIN_VARIABLES or name.startswith(SECTION_PREFIX))
    }


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"config/{file.name}: received {error.strerror}; accepted: a file that can be read."
            " Correct its permissions, or remove it."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"config/{file.name}: received invalid TOML ({error}); accepted: TOML. Correct that"
            " line."
        ) from None


class _Given(NamedTuple):
    """Values from environment variables, the variable of each field, and errors of names."""

    values: dict[str, Any]
    variables: dict[str, str]
    unknown: list[str]


def _read_environment(environ: Mapping[str, str]) -> _Given:
    given = _Given({}, {}, [])
    for variable, value in setting_variables(environ).items():
        if variable in PLAIN_VARIABLES:
            field = PLAIN_VARIABLES[variable]
            given.values[field] = value
            given.variables[field] = variable
            continue
        path = variable.removeprefix(SECTION_PREFIX).lower()
        section = section_of(path)
        field = path.removeprefix(section).removeprefix("_")
        if section and field:
            given.values.setdefault(section, {})[field] = value
            given.variables[f"{section}.{field}"] = variable
        else:
            given.unknown.append(unknown_variable(variable, value))
    return given
