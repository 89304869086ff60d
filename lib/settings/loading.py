"""Reads, merges and validates the settings, and explains what is wrong with them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lib.settings.model import FieldError, Settings, SettingsError

CONFIG_DIRECTORY = Path(__file__).resolve().parents[2] / "config"

# Names fixed by the users of the platform; every other setting is TAP_<SECTION>_<FIELD>.
PLAIN_VARIABLES = {
    "ENVIRONMENT_SUFFIX": "environment_suffix",
    "AWS_REGION": "aws_region",
    "STACKS": "stacks",
    "TERRAFORM_STATE_BUCKET": "terraform_state_bucket",
    "TERRAFORM_STATE_BUCKET_REGION": "terraform_state_bucket_region",
    "TERRAFORM_STATE_KMS_KEY_ARN": "terraform_state_kms_key_arn",
}
SECTION_PREFIX = "TAP_"


def load_settings(
    environ: Mapping[str, str] | None = None, config_directory: Path = CONFIG_DIRECTORY
) -> Settings:
    """Read, merge and validate the settings; raises `SettingsError`."""
    environ = os.environ if environ is None else environ
    suffix = (
        environ.get("ENVIRONMENT_SUFFIX") or Settings.model_fields["environment_suffix"].default
    )
    file = config_directory / f"{Path(suffix).name}.toml"
    from_file = _read_file(file)
    from_environment, variables = _read_environment(environ)
    values = {**from_file, **from_environment}
    for section in from_file.keys() & from_environment.keys():
        if isinstance(from_file[section], dict) and isinstance(from_environment[section], dict):
            values[section] = from_file[section] | from_environment[section]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, variables, file, from_file)) from None


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"config/{file.name}: received a file that is not TOML ({error}). Correct that line."
        ) from None


def _read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values set by environment variables, and which variable set which field."""
    values: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for variable, value in environ.items():
        if variable in PLAIN_VARIABLES and value:
            field = PLAIN_VARIABLES[variable]
            values[field] = value
            variables[field] = variable
        elif variable.startswith(SECTION_PREFIX) and value:
            section, _, field = variable.removeprefix(SECTION_PREFIX).lower().partition("_")
            values.setdefault(section, {})[field] = value
            variables[f"{section}.{field}"] = variables[section] = variable
    return values, variables


def _explain(
    error: ValidationError, variables: Mapping[str, str], file: Path, from_file: Mapping[str, Any]
) -> str:
    """One line a problem: field, value received, what is accepted, what to do."""
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
            remedy = "Correct the name, or take it away."
        else:
            accepted = _description(problem["loc"])
        label = variables.get(path) or (
            f"{path} in config/{file.name}" if _lookup(from_file, path) else _variable(path)
        )
        got = "nothing" if problem["type"] == "missing" else f"{_shown(received)}"
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
