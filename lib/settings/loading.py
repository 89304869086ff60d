"""Reads, merges and validates the settings; describes errors."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from lib.settings.fields import FieldError, SettingsError
from lib.settings.model import Settings

CONFIG_DIRECTORY = Path(__file__).resolve().parents[2] / "config"

# Names that existing deployments use; every other setting is TAP_<SECTION>_<FIELD>.
PLAIN_VARIABLES = {
    "ENVIRONMENT_SUFFIX": "environment_suffix",
    "AWS_REGION": "aws_region",
    "STACKS": "stacks",
    "TERRAFORM_STATE_BUCKET": "terraform_state_bucket",
    "TERRAFORM_STATE_BUCKET_REGION": "terraform_state_bucket_region",
    "TERRAFORM_STATE_KMS_KEY_ARN": "terraform_state_kms_key_arn",
}
SECTION_PREFIX = "TAP_"
CORRECT_THE_NAME = "Correct or remove the name."


def load_settings(
    environ: Mapping[str, str] | None = None, config_directory: Path = CONFIG_DIRECTORY
) -> Settings:
    """The settings of the environment `ENVIRONMENT_SUFFIX`; raises `SettingsError`.

    `environ` are the environment variables (by default those of the process); `config_directory`
    contains the file of the environment, which may be missing.
    """
    environ = os.environ if environ is None else environ
    suffix = (
        environ.get("ENVIRONMENT_SUFFIX") or Settings.model_fields["environment_suffix"].default
    )
    file = config_directory / f"{Path(suffix).name}.toml"
    from_file = _read_file(file)
    given = _read_environment(environ)
    values = {**from_file, **given.values}
    for section in from_file.keys() & given.values.keys():
        if isinstance(from_file[section], dict) and isinstance(given.values[section], dict):
            values[section] = from_file[section] | given.values[section]
    # With another suffix in its file, a deployment of `dev` would change another environment.
    named = from_file.get("environment_suffix", suffix)
    if named != suffix:
        raise SettingsError(
            f"environment_suffix in config/{file.name}: received {named!r}; accepted: {suffix!r},"
            " as in the name of the file. Remove the line, or rename the file."
        )
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(
            "\n".join([*given.unknown, _explain(error, given.variables, file, from_file)])
        ) from None
    if given.unknown:
        raise SettingsError("\n".join(given.unknown))
    return settings


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"config/{file.name}: received invalid TOML ({error}); accepted: TOML. Correct that"
            " line."
        ) from None


class _Given(NamedTuple):
    """Values from environment variables, the variable of each field, and unknown variables."""

    values: dict[str, Any]
    variables: dict[str, str]
    unknown: list[str]


def _read_environment(environ: Mapping[str, str]) -> _Given:
    sections = [
        name for name in Settings.model_fields if _description((name,))[:10] == "a table of"
    ]
    given = _Given({}, {}, [])
    for variable, value in environ.items():
        if variable in PLAIN_VARIABLES and value:
            field = PLAIN_VARIABLES[variable]
            given.values[field] = value
            given.variables[field] = variable
        elif variable.startswith(SECTION_PREFIX) and value:
            path = variable.removeprefix(SECTION_PREFIX).lower()
            # `web_database_name` belongs to the section `web_database`, not to `web`.
            section = max(
                (one for one in sections if path.startswith(f"{one}_")), key=len, default=""
            )
            section, field = section or path.partition("_")[0], path.removeprefix(f"{section}_")
            loc = (section, field) if section in sections else (section,)
            if section in sections and field:
                given.values.setdefault(section, {})[field] = value
                given.variables[f"{section}.{field}"] = variable
            else:
                given.unknown.append(
                    f"{variable}: received {value!r}; accepted: one of {_known_fields(loc)}."
                    f" {CORRECT_THE_NAME}"
                )
    return given


def _explain(
    error: ValidationError, variables: Mapping[str, str], file: Path, from_file: Mapping[str, Any]
) -> str:
    """One line for each error: field, value received, values accepted, correction."""
    lines = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        path = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        received, remedy = problem["input"], ""
        if isinstance(cause, FieldError):
            path = cause.field if "." in cause.field else f"{path}.{cause.field}".strip(".")
            received, accepted, remedy = cause.received, cause.accepted, cause.remedy
        elif problem["type"] == "extra_forbidden":
            accepted = "one of " + _known_fields(problem["loc"])
            remedy = CORRECT_THE_NAME
        else:
            accepted = _description(problem["loc"])
        label = variables.get(path) or (
            f"{path} in config/{file.name}" if _lookup(from_file, path) else _variable(path)
        )
        got = (
            "nothing" if received is None or problem["type"] == "missing" else f"{_shown(received)}"
        )
        lines.append(
            f"{label}: received {got}; accepted: {accepted}. "
            + (remedy or f"Set {_variable(path)} or config/{file.name} accordingly.")
        )
    return "\n".join(lines)


def _shown(value: object) -> str:
    return repr(",".join(map(str, value)) if isinstance(value, (tuple, list)) else value)


def _variable(path: str) -> str:
    plain = {field: name for name, field in PLAIN_VARIABLES.items()}
    return plain.get(path) or SECTION_PREFIX + path.replace(".", "_").upper()


def _lookup(values: Mapping[str, Any], path: str) -> bool:
    section, _, field = path.partition(".")
    found = values.get(section)
    return found is not None and (not field or (isinstance(found, dict) and field in found))


def _description(loc: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = Settings
    description = ""
    for part in loc:
        if not isinstance(part, str) or part not in model.model_fields:
            break
        info = model.model_fields[part]
        description = info.description or description
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            model = info.annotation
            description = "a table of " + ", ".join(model.model_fields)
    return description


def _known_fields(loc: tuple[int | str, ...]) -> str:
    return _description(loc[:-1]).removeprefix("a table of ") or ", ".join(Settings.model_fields)
