"""`python -m tools.checkov`, the same as `tap checkov`."""

from tools.checkov.cli import command

if __name__ == "__main__":
    command(prog_name="python -m tools.checkov")
