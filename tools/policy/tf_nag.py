"""Runs tf-nag, the AWS Solutions rules of cdk-nag for Terraform, on the plans of the stacks.

A plan does not contain values that AWS chooses, such as ARNs. tf-nag reports a rule about them as
undetermined; `EVALUATED_BY` names the rule or check that evaluates the same in the synthesized
JSON, where such a value is a reference. Any other undetermined rule is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lib.rules import Finding
from lib.template import Template
from tools.policy import suppressions
from tools.policy.programs import FOLDER, run_json

PROGRAM = FOLDER / "tf-nag" / "bin" / "tf-nag"
PREFIX = "AwsSolutions-"
EVALUATED_BY = {
    f"{PREFIX}APIG1": "CKV_AWS_76",
    f"{PREFIX}IAM4": "no_wildcard_permissions",
    f"{PREFIX}IAM5": "no_wildcard_permissions",
    f"{PREFIX}RDS8": "restrict_ingress",
    f"{PREFIX}S10": "require_tls",
    f"{PREFIX}SMG4": "CKV2_AWS_57",
    f"{PREFIX}SQS2": "require_encryption_at_rest",
    f"{PREFIX}SQS3": "queues_have_dead_letter_queue",
    f"{PREFIX}SQS4": "require_tls",
    f"{PREFIX}VPC7": "CKV2_AWS_11",
}


class Result(NamedTuple):
    """The findings, the number of suppressed ones and of those that another check evaluates."""

    findings: list[Finding]
    suppressed: int
    undetermined: int


def scan(plan: Path) -> list[dict[str, Any]]:
    """The results of tf-nag in the JSON of a plan that are not compliant."""
    results: list[dict[str, Any]] = run_json(
        PROGRAM, "scan", "--plan-json", plan, "--format", "json", cwd=plan.parent
    )
    return results


def evaluate(plans: Iterable[Path], templates: Sequence[Template]) -> Result:
    """Run tf-nag on the plans `STACK.json` and apply the suppressions of the templates."""
    paths = {
        (template.stack, resource.address): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in template.resources()
    }
    failed, undetermined = [], 0
    for plan in plans:
        for result in scan(plan):
            unknown = result["compliance"] == "UNKNOWN"
            if unknown and result["rule_id"] in EVALUATED_BY:
                undetermined += 1
                continue
            stack, address = plan.stem, result["address"]
            failed.append(
                Finding(
                    *(stack, paths.get((stack, address), stack), address, result["rule_id"]),
                    "the plan does not contain the value" if unknown else "tf-nag failed",
                    result["message"].rstrip("."),
                    "Set what the rule requires; if it does not apply, suppress"
                    f" {result['rule_id']}",
                )
            )
    findings, suppressed = suppressions.apply(failed, templates, PREFIX)
    return Result(findings, len(suppressed), undetermined)
