"""`python -m tools.plan_review`: the command `plan-review`."""

from tools.plan_review.cli import command

if __name__ == "__main__":
    command(prog_name="plan-review")
