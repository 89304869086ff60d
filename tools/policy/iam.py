"""Lints the IAM policies of the synthesized stacks with `iam-policy-validator`, offline.

It checks whether AWS accepts a policy and whether it can have an effect: actions, condition keys
and their operators, the form of ARNs, and whether the actions support their resource type. What a
policy may allow is checked by the rules in `lib/rules`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.rules import Finding
from lib.template import Template
from tools.errors import ToolError

TOOLS = Path(__file__).resolve().parents[2] / ".tools" / "policy"
VALIDATOR = TOOLS / "bin" / "iam-validator"
SERVICES = TOOLS / "services"
# ARNs in place of references, by the type of the resource that is referred to.
ACCOUNT, REGION = "123456789012", "us-east-1"
PLACE = f"{REGION}:{ACCOUNT}"
IDENTIFIER = "11111111-2222-3333-4444-555555555555"
ARNS = {
    "aws_acm_certificate": f"arn:aws:acm:{PLACE}:certificate/{IDENTIFIER}",
    "aws_cloudtrail": f"arn:aws:cloudtrail:{PLACE}:trail/name",
    "aws_cloudwatch_log_group": f"arn:aws:logs:{PLACE}:log-group:name",
    "aws_db_instance": f"arn:aws:rds:{PLACE}:db:name",
    "aws_iam_policy": f"arn:aws:iam::{ACCOUNT}:policy/name",
    "aws_iam_role": f"arn:aws:iam::{ACCOUNT}:role/name",
    "aws_kms_key": f"arn:aws:kms:{PLACE}:key/{IDENTIFIER}",
    "aws_lambda_function": f"arn:aws:lambda:{PLACE}:function:name",
    "aws_lb": f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/app/name/1234567890123456",
    "aws_rds_cluster": f"arn:aws:rds:{PLACE}:cluster:name",
    "aws_s3_bucket": "arn:aws:s3:::name",
    "aws_secretsmanager_secret": f"arn:aws:secretsmanager:{PLACE}:secret:name-AbCdEf",
    "aws_sns_topic": f"arn:aws:sns:{PLACE}:name",
    "aws_sqs_queue": f"arn:aws:sqs:{PLACE}:name",
    "aws_ssm_parameter": f"arn:aws:ssm:{PLACE}:parameter/name",
}
OTHER_ATTRIBUTES = {"account_id": ACCOUNT, "region": REGION, "partition": "aws"}
# Not `$${aws:username}`, which is a policy variable of IAM.
REFERENCE = re.compile(r"(?<!\$)\$\{([^{}]*)\}")
# Keys of an encryption context are free text, which the validator does not support; see
# `service_reference.CONTEXTS`.
ENCRYPTION_CONTEXT = re.compile(r'(?<="kms:EncryptionContext:)[^"]+')
# Checks that are covered by our rules, or that require conditions of an organization.
DISABLED_CHECKS = (
    *("wildcard_resource", "service_wildcard", "not_action_not_resource"),
    *("principal_validation", "trust_policy_validation", "action_condition_enforcement"),
    *("ifexists_condition_check", "not_principal_validation", "rcp_best_practices"),
)
ACCEPTED = {
    "type_mismatch_usable": "a string operator on an ARN compares it literally, as intended",
    "foranyvalue_deny_without_null_check": "a missing key is not denied, as intended",
}
SETTINGS: dict[str, Any] = {
    "settings": {"cache_enabled": False, "aws_services_dir": str(SERVICES)},
    "policy_types": [
        {"pattern": "**/identity/*", "type": "IDENTITY_POLICY"},
        {"pattern": "**/trust/*", "type": "TRUST_POLICY"},
        {"pattern": "**/resource/*", "type": "RESOURCE_POLICY"},
    ],
    **{check: {"enabled": False} for check in DISABLED_CHECKS},
    "sensitive_action": {"enabled": True, "categories": ["priv_esc"]},
}


@dataclass(frozen=True)
class Policy:
    """A policy document with plausible ARNs, and its resource and argument."""

    stack: str
    path: str
    address: str
    argument: str
    kind: str
    text: str


def plausible(text: str) -> str:
    """The text with values in place of Terraform references.

    Raises ToolError for the ARN of a type that `ARNS` does not contain.
    """

    def value(found: re.Match[str]) -> str:
        type_, *_, attribute = found[1].strip().removeprefix("data.").split(".")
        if attribute == "arn":
            if type_ not in ARNS:
                raise ToolError(
                    f"IAM policies: received {found[0]}; accepted: references to"
                    f" {', '.join(sorted(ARNS))}. Add the ARN of {type_} to ARNS in"
                    " tools/policy/iam.py."
                )
            return ARNS[type_]
        return OTHER_ATTRIBUTES.get(attribute, "name")

    text = REFERENCE.sub(value, text).replace("$${", "${")
    return ENCRYPTION_CONTEXT.sub(
        lambda found: "arn" if found[0].lower().endswith("arn") else "any", text
    )


def policies(template: Template) -> list[Policy]:
    """Every policy document of a stack."""
    found = []
    for resource in template.resources():
        for argument, document in resource.policies():
            kind = "identity" if resource.type.startswith("aws_iam_") else "resource"
            if argument == "assume_role_policy":
                kind = "trust"
            text = plausible(json.dumps(document, indent=1))
            path = f"{template.stack}/{resource.path}"
            found.append(Policy(template.stack, path, resource.address, argument, kind, text))
    return found


def lint(found: list[Policy]) -> list[Finding]:
    """The findings of the validator in the policies."""
    if not (VALIDATOR.exists() and SERVICES.exists()):
        raise ToolError(
            "IAM policies: received no program .tools/policy/bin/iam-validator; accepted: the"
            " version that the Makefile pins. Run `make policy`, which installs it."
        )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = {}
        for number, policy in enumerate(found):
            file = folder / "policies" / policy.kind / f"{number}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(policy.text, encoding="utf-8")
            files[f"{policy.kind}/{number}.json"] = policy
        # JSON is YAML.
        (folder / "settings.yaml").write_text(json.dumps(SETTINGS), encoding="utf-8")
        report = _validate(folder)
    return sorted(
        _finding(files["/".join(Path(result["policy_file"]).parts[-2:])], issue)
        for result in report["results"]
        for issue in result["issues"]
        if issue["issue_type"] not in ACCEPTED
    )


def _validate(folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [
            *(VALIDATOR, "validate", "--path", folder / "policies"),
            *("--config", folder / "settings.yaml", "--aws-services-dir", SERVICES),
            *("--format", "json", "--output", report),
        ],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise ToolError(f"IAM policies: received no report (exit code {done.returncode}). {tail}")
    read: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    if read["parsing_errors"]:
        raise ToolError(f"IAM policies: the validator cannot parse {read['parsing_errors']}")
    return read


def _finding(policy: Policy, issue: dict[str, Any]) -> Finding:
    statement = issue["statement_sid"] or issue["statement_index"]
    steps = issue["remediation_steps"] or [issue["suggestion"] or "Correct the statement"]
    return Finding(
        policy.stack,
        policy.path,
        policy.address,
        f"IAM_{issue['check_id'].upper()}",
        f"{policy.argument}, statement {statement}: {_line(issue['message'])}",
        _line(issue["risk_explanation"] or "AWS rejects the policy, or it has no effect"),
        _line(steps[0]),
    )


def _line(text: str) -> str:
    return " ".join(text.split())
