"""The command line: `tap COMMAND`, or `python -m tools.cli COMMAND` in a checkout."""

from __future__ import annotations

import click

from tools.command import LazyGroup, Subcommand

SUBCOMMANDS = {
    "synth": Subcommand("tools.synth", "Write Terraform's JSON of STACKS (tap) into cdktf.out."),
    "deploy-local": Subcommand(
        "tools.local.cli", "Deploy STACKS (tap) to an emulated AWS and process sample files."
    ),
    "plan": Subcommand("tools.plan", "Print Terraform's plan of STACKS (tap)."),
    "plan-review": Subcommand(
        "tools.plan_review.cli", "Review a plan: safe, look or stop.", checkout=False
    ),
    "drift": Subcommand(
        "tools.drift.cli", "Report changes made outside Terraform in STACKS (tap)."
    ),
    "policy": Subcommand(
        "tools.policy.cli", "Evaluate our rules, the IAM linter and checkov on STACKS (all)."
    ),
    "checkov": Subcommand("tools.checkov.cli", "Run checkov alone on STACKS (all)."),
    "diagrams": Subcommand("tools.diagrams.cli", "Draw STACKS into docs/architecture."),
    "docs": Subcommand("tools.docs", "Write all generated documents, or list the stale ones."),
    "vocabulary": Subcommand("tools.vocabulary.cli", "Check that files use standard terms only."),
    "bench": Subcommand("tools.bench.cli", "Measure synthesis or the data path."),
    "upgrade-check": Subcommand(
        "tools.upgrade_check.cli", "Prove that an upgrade from a revision replaces no resource."
    ),
    "cdktn": Subcommand("tools.cdktn.cli", "Compare the JSON with that of CDK Terrain."),
}


@click.group(
    cls=LazyGroup,
    subcommands=SUBCOMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Commands of the TAP infrastructure project.

    Exit codes: 0 success; 1 a check failed; 2 invalid input or environment; 3 a plan needs a
    reviewer; 70 an error of the command itself; 130 interrupted.
    """


if __name__ == "__main__":
    main(prog_name="tap")
