"""`python -m tools.drift`: the command `tap drift`."""

from tools.drift.cli import command

if __name__ == "__main__":
    command(prog_name="drift")
