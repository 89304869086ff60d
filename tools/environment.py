"""Environment variables of child processes."""

from __future__ import annotations

import os
from collections.abc import Mapping


def override(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables`, each replaced by the value that the environment sets, unless that is empty."""
    return {name: os.environ.get(name) or value for name, value in variables.items()}


def account_variables() -> dict[str, str]:
    """The environment's variables of the AWS account, which Terraform is given explicitly."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
