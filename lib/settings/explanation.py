"""Describes errors of settings: `FIELD: received …; accepted: …; what to do.`"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from lib.settings.fields import FieldError
from lib.settings.model import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# Names that existing deployments use; every other setting is TAP_<SECTION>_<FIELD>.
PLAIN_VARIABLES = {
    "ENVIRONMENT_SUFFIX": "environment_suffix",
    "AWS_REGION": "aws_region",
    "AWS_ACCOUNT_ID": "aws_account_id",
    "STACKS": "stacks",
    "TERRAFORM_STATE_BUCKET": "terraform_state_bucket",
    "TERRAFORM_STATE_BUCKET_REGION": "terraform_state_bucket_region",
    "TERRAFORM_STATE_KMS_KEY_ARN": "terraform_state_kms_key_arn",
    "TAP_PRODUCTION": "production",
}
SECTION_PREFIX = "TAP_"
_LONGEST_VALUE = 80


def sections() -> dict[str, type[BaseModel]]:
    """The model of each section of the settings."""
    return {
        name: info.annotation
        for name, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
    }


def variable_of(path: str) -> str:
    """The environment variable of a field: `database.name` is set by `TAP_DATABASE_NAME`."""
    plain = {field: name for name, field in PLAIN_VARIABLES.items()}
    return plain.get(path) or SECTION_PREFIX + path.replace(".", "_").upper()


def unknown_variable(variable: str, value: str) -> str:
    """The error of a variable that sets no field."""
    plain = variable.removeprefix(SECTION_PREFIX)
    section = section_of(plain.lower())
    if section:
        names = ", ".join(field.upper() for field in sections()[section].model_fields)
        accepted = f"{SECTION_PREFIX}{section.upper()}_ followed by one of {names}"
    else:
        names = ", ".join(one.upper() for one in sections())
        accepted = f"{SECTION_PREFIX}<SECTION>_<FIELD> with a SECTION among {names}"
    remedy = _rename(variable, _candidates(plain))
    return f"{variable}: received {_shown(value)}; accepted: {accepted}. {remedy}"


def _candidates(name: str) -> list[str]:
    """The variables that a name without TAP_ may stand for; none if it is a section's."""
    if name in PLAIN_VARIABLES:
        return [name]
    if name.lower() in sections():
        return []
    fields = [
        variable_of(f"{section}.{field}")
        for section, model in sections().items()
        for field in model.model_fields
    ]
    return [*PLAIN_VARIABLES, *fields]


def section_of(path: str) -> str:
    """The section in a variable's name; `web_database_name` belongs to `web_database`."""
    found = (one for one in sections() if path == one or path.startswith(f"{one}_"))
    return max(found, key=len, default="")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the values come from: the variable of each field, and the values of the file.

    `file` is None if the environment has no file.
    """

    variables: Mapping[str, str]
    file: str | None
    values_of_file: Mapping[str, Any]

    def file_sets(self, path: str) -> bool:
        """Whether the file contains the value of a field or section."""
        section, _, field = path.partition(".")
        found = self.values_of_file.get(section)
        if found is None or path in self.variables:
            return False
        return not field or (isinstance(found, dict) and field in found)

    def label(self, path: str) -> str:
        """The name of the field where it was set, or of the variable that would set it."""
        if self.file_sets(path):
            return f"{path} in {self.file}"
        return self.variables.get(path) or variable_of(path)

    def remedy(self, path: str) -> str:
        """Where to correct the value of a field."""
        if self.file_sets(path):
            return f"Correct {self.file}."
        if path in self.variables or self.file is None:
            return f"Correct {self.label(path)}."
        return f"Set {variable_of(path)} or {self.file} accordingly."


def explain(error: ValidationError, sources: Sources) -> list[str]:
    """One line for each error: field, value received, values accepted, correction."""
    return [
        _line(problem, sources)
        for problem in error.errors()
        # A file that has not been read may contain the value.
        if problem["type"] != "missing" or sources.file
    ]


def _line(problem: ErrorDetails, sources: Sources) -> str:
    cause = problem.get("ctx", {}).get("error")
    path = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    kind, received = problem["type"], problem["input"]
    accepted, remedy = _description(problem["loc"]), ""
    if isinstance(cause, FieldError):
        path = cause.field if "." in cause.field else f"{path}.{cause.field}".strip(".")
        received, accepted, remedy = cause.received, cause.accepted, cause.remedy
    elif kind == "missing":
        received = None
    elif kind == "extra_forbidden":
        if variable := sources.variables.get(path):
            return unknown_variable(variable, str(received))
        siblings = _siblings(path)
        accepted, remedy = ", ".join(siblings), _rename(path.rpartition(".")[2], siblings)
        accepted = f"one of {accepted}"
    elif kind == "string_type" and sources.file_sets(path):
        accepted, remedy = f"text in quotes: {accepted}", _quote(received, sources.file)
    elif kind == "model_type":
        remedy = f"Write [{path}] in {sources.file}, and one line for each field below it."
    remedy = remedy or sources.remedy(path)
    return f"{sources.label(path)}: received {_shown(received)}; accepted: {accepted}. {remedy}"


def _quote(value: object, file: str | None) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # TOML reads 16.10 as the number 16.1, so the correction cannot contain the whole text.
        return f'Put the value in quotes in {file}: "{value}".'
    return f"Correct {file}."


def _rename(name: str, known: Iterable[str]) -> str:
    known = list(known)
    closest = known if len(known) == 1 else get_close_matches(name, known, n=1, cutoff=0.75)
    return f"Rename it to {closest[0]}, or remove it." if closest else "Correct or remove the name."


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a table"
    text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else value
    if not isinstance(text, str):
        return repr(text)
    if len(text) > _LONGEST_VALUE:
        return f"{text[:_LONGEST_VALUE]!r}… ({len(text)} characters)"
    return repr(text)


def _description(loc: tuple[int | str, ...]) -> str:
    section, *rest = [part for part in loc if isinstance(part, str)] or [""]
    if section not in sections():
        info = Settings.model_fields.get(section)
        return (info and info.description) or ""
    if rest and rest[0] in sections()[section].model_fields:
        return sections()[section].model_fields[rest[0]].description or ""
    return f"a table of {', '.join(sections()[section].model_fields)}"


def _siblings(path: str) -> list[str]:
    section, _, field = path.partition(".")
    return list(sections()[section].model_fields if field else Settings.model_fields)
