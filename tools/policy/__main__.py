"""`python -m tools.policy`, the same as `tap policy`."""

from tools.policy.cli import command

if __name__ == "__main__":
    command(prog_name="python -m tools.policy")
