"""The file with the variables of a local deployment, for another terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from lib.settings import PLAIN_VARIABLES
from tools import terraform

# Variables of another deployment or account in that terminal would change the plan.
_UNSET = (*PLAIN_VARIABLES, "AWS_PROFILE", "AWS_SESSION_TOKEN")
_UNSET_SETTINGS = r"""for name in $(env | sed -n 's/^\(TAP_[A-Z0-9_]*\)=.*/\1/p'); do
  unset "$name"
done"""
# How Terraform and the cdktf command line find the program and the providers.
_TERRAFORM = ("CHECKPOINT_DISABLE", "TERRAFORM_BINARY_NAME", "TF_CLI_CONFIG_FILE")


def write_environment_file(file: Path, variables: Mapping[str, str]) -> None:
    """Write a shell script that sets `variables` and unsets all other settings."""
    found = terraform.environment()
    exported = {name: found[name] for name in _TERRAFORM if name in found} | dict(variables)
    lines = [
        _UNSET_SETTINGS,
        f"unset {' '.join(name for name in _UNSET if name not in exported)}",
        *(f"export {name}={shlex.quote(value)}" for name, value in sorted(exported.items())),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
