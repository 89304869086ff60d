"""The checkout of this project, which some tools require."""

from __future__ import annotations

from pathlib import Path

from tools.errors import ToolError

ROOT = Path(__file__).resolve().parents[1]


def require_checkout(command: str) -> None:
    """Raise ToolError unless these tools are run from a checkout of the project."""
    if not (ROOT / "cdktf.json").is_file():
        raise ToolError(
            f"{command}: received an installed package without the project's files; accepted: a"
            f" checkout of the project. Run `.venv/bin/python -m tools.cli {command}` there."
        )
