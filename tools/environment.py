"""Environment variables of child processes."""

from __future__ import annotations

import os
from collections.abc import Mapping


def override(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables`, each replaced by the value that the environment sets, unless that is empty."""
    return {name: os.environ.get(name) or value for name, value in variables.items()}
