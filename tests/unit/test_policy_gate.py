"""The policy gate: findings with the resource, the rule, the reason and the remedy."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import lib.rules
from lib import template as reader
from lib.rules import RULES, Finding, duplicate_physical_names, findings
from lib.stacks import STACKS
from tests.support.faults import FAULTS, Plant
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template, arguments_of
from tools.checkov import runner as checkov
from tools.errors import ToolError
from tools.policy import cli, iam, suppressions, synthesis

FINDING = Finding("tap", "tap/Topic", "aws_sns_topic.T", "rule", "a fault", "a reason", "a remedy")


def read(template: Template) -> reader.Template:
    """As the policy gate reads the stack, with caches."""
    return reader.Template(template.document)


@pytest.mark.parametrize(
    ("name", "stack", "plant"),
    {name: (name, stack, plant) for name, stack, plant in reversed(FAULTS)}.values(),
    ids=lambda value: getattr(value, "__name__", value),
)
def test_report_names_resource_rule_reason_and_remedy(
    name: str, stack: str, plant: Plant, synth: Synthesizer
) -> None:
    copy = synth(stack).copy()
    where = plant(copy)
    address = where.address if isinstance(where, Resource) else where
    severity = RULES[name].severity
    (one, *_) = (
        one
        for one in findings(read(copy), severity=severity)
        if one.rule == name and one.address.startswith(address)
    )
    text = cli.report([one])
    if isinstance(where, Resource):
        assert one.path == f"{stack}/{where.path}"
    for part in (one.path, address, name, one.fault, RULES[name].why, RULES[name].remedy):
        assert part in text
    assert len(str(one).splitlines()) == 1


@pytest.mark.parametrize("stack", STACKS)
def test_compliant_stacks_have_no_findings(stack: str, synth: Synthesizer) -> None:
    assert findings(read(synth(stack))) == []


def test_json_that_a_rule_cannot_read_is_a_finding(tap: Template) -> None:
    copy = tap.copy()
    queue = copy.of_type("aws_sqs_queue")[0]
    queue.body["redrive_policy"] = "{"
    found = [one for one in findings(read(copy)) if one.rule == "queues_have_dead_letter_queue"]
    assert [one.path for one in found] == ["tap"]
    assert found[0].fault.startswith("cannot be evaluated: Expecting property name")


def test_invalid_address_ranges_are_findings(tap: Template) -> None:
    copy = tap.copy()
    rule = copy.of_type("aws_vpc_security_group_ingress_rule")[0]
    rule.body["cidr_ipv4"] = "10.0.0.0/99"
    found = [one.fault for one in findings(read(copy)) if one.rule == "restrict_ingress"]
    assert found == ["'10.0.0.0/99' is not an address range"]


def test_mandatory_rules_cannot_be_suppressed(tap: Template) -> None:
    copy = tap.copy()
    cluster = copy.get("aws_rds_cluster")
    cluster.body["master_password"] = "hunter2"
    cluster.body["//"].setdefault("suppressions", {})["no_secrets_in_state"] = {
        "reason": "The state is stored encrypted",
        "since": "2026-11",
    }
    rules = {one.rule for one in findings(read(copy))}
    assert rules == {"no_secrets_in_state", "suppressions_have_reasons"}


def test_resource_types_in_rules_exist() -> None:
    """A rule about a misspelt type would detect nothing."""
    folder = Path(lib.rules.__file__).parent
    named = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("aws_")
        and not node.value.endswith("_")
    }
    assert len(named) > 30
    for type_ in named:
        data = {"aws_caller_identity", "aws_secretsmanager_random_password"}
        assert arguments_of(type_, f"data_{type_}" if type_ in data else "")


def test_a_stack_without_a_prefix_of_its_own_has_duplicate_names(synth: Synthesizer) -> None:
    web = synth("web").copy()
    text = json.dumps(web.document).replace("web-", "")
    duplicates = duplicate_physical_names([synth("tap"), Template(json.loads(text))])
    assert {"aws_s3_bucket", "aws_iam_policy", "aws_sns_topic"} <= {one.type for one in duplicates}
    topic = next(one for one in duplicates if one.type == "aws_sns_topic")
    assert str(topic) == (
        "tap/Monitoring/Topic, web/Monitoring/Topic: the same name 'alarm-topic-unit'"
        " (aws_sns_topic)"
    )


def test_names_within_different_parents_are_no_duplicates() -> None:
    def stack(name: str) -> Template:
        return Template(
            {
                "//": {"metadata": {"stackName": name}},
                "resource": {
                    "aws_iam_role_policy": {"P": {"name": "policy-unit", "role": "r"}},
                    "aws_s3_bucket_logging": {"L": {"bucket": "${aws_s3_bucket.B.id}"}},
                    "aws_s3_bucket": {"B": {"bucket": f"{name}-unit"}},
                },
            }
        )

    assert duplicate_physical_names([stack("one"), stack("two")]) == []


def test_findings_are_grouped_by_resource() -> None:
    other = Finding("tap", "tap/Other", "aws_vpc.O", "rule", "a fault", "a reason", "a remedy")
    second = Finding("tap", "tap/Topic", "aws_sns_topic.T", "second", "more", "why not", "no")
    assert cli.report([second, FINDING, other]).splitlines() == [
        "tap/Other (aws_vpc.O)",
        *("  rule: a fault", "    why:    a reason", "    remedy: a remedy"),
        "tap/Topic (aws_sns_topic.T)",
        *("  rule: a fault", "    why:    a reason", "    remedy: a remedy"),
        *("  second: more", "    why:    why not", "    remedy: no"),
    ]


def test_a_suppression_applies_to_one_check_of_one_resource() -> None:
    suppressed = {
        name: {"reason": "a reason", "since": "2026-11"}
        for name in ("CHECK_1", "CHECK_2", "OTHER_1")
    }
    metadata = {"metadata": {"path": "tap/Topic/Resource"}, "suppressions": suppressed}
    document = {
        "//": {"metadata": {"stackName": "tap"}},
        "resource": {"aws_sns_topic": {"T": {"//": metadata}}},
    }

    def failed(rule: str, address: str = "aws_sns_topic.T") -> Finding:
        return Finding("tap", "tap/Topic", address, rule, "a fault", "a reason", "a remedy")

    remaining, found = suppressions.apply(
        [failed("CHECK_1"), failed("CHECK_1", "aws_sns_topic.U"), failed("CHECK_3")],
        [reader.Template(document)],
        "CHECK_",
    )
    assert found == [failed("CHECK_1")]
    assert [(one.address, one.rule, one.fault) for one in remaining] == [
        ("aws_sns_topic.T", "CHECK_3", "a fault"),
        (
            *("aws_sns_topic.T", "suppressions_have_reasons"),
            "suppresses CHECK_2, which does not fail there",
        ),
        ("aws_sns_topic.U", "CHECK_1", "a fault"),
    ]


class Gate:
    """Runs the command on given stacks, with stubs in place of checkov and the linter."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.failed: list[checkov.Failure] = []
        self.invalid: list[Finding] = []

    def __call__(self, *templates: Template) -> tuple[int, str]:
        given = [read(template) for template in templates]
        self.monkeypatch.setattr(cli, "synthesize", lambda _folder, _stacks: given)
        self.monkeypatch.setattr(iam, "lint", lambda _policies: self.invalid)
        self.monkeypatch.setattr(checkov, "failures", lambda _folder: (self.failed, 7))
        result = CliRunner().invoke(cli.command)
        return result.exit_code, result.output


@pytest.fixture
def run_gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def bucket(synth: Synthesizer) -> Template:
    """The state stack without suppressions of checks, which have no effect here."""
    copy = synth("state").copy()
    for resource in copy.resources():
        known = resource.body["//"].get("suppressions", {})
        for name in [name for name in known if name not in RULES]:
            del known[name]
    return copy


def test_success_is_reported_in_one_line(bucket: Template, run_gate: Gate) -> None:
    assert run_gate(bucket) == (
        0,
        f"policy: state: {len(bucket.resources())} resources, {len(RULES)} rules,"
        " 1 IAM policies, 7 checkov checks passed, 2 suppressions; findings: none\n",
    )


def test_violations_fail_the_gate(bucket: Template, run_gate: Gate) -> None:
    resource = bucket.get("aws_s3_bucket")
    del bucket.document["resource"]["aws_s3_bucket_public_access_block"]
    code, output = run_gate(bucket)
    assert code == 1
    assert output.startswith(f"state/{resource.path} ({resource.address})\n  no_public_access: ")
    assert output.endswith("; findings: 1\n")


def test_failed_checks_fail_the_gate(bucket: Template, run_gate: Gate) -> None:
    address = bucket.get("aws_s3_bucket").address
    run_gate.failed = [checkov.Failure("state", address, "CKV_AWS_18", "Ensure logging", address)]
    code, output = run_gate(bucket)
    assert code == 1
    assert "CKV_AWS_18" in output
    assert "Ensure logging" in output


def test_invalid_policies_fail_the_gate(bucket: Template, run_gate: Gate) -> None:
    run_gate.invalid = [FINDING]
    assert run_gate(bucket)[0] == 1


def test_duplicate_names_fail_the_gate(bucket: Template, run_gate: Gate) -> None:
    text = json.dumps(bucket.document).replace('"stackName": "state"', '"stackName": "other"')
    code, output = run_gate(bucket, Template(json.loads(text)))
    assert code == 1
    assert "duplicate_physical_names: state/State, other/state/State have the same name" in output


def test_the_gate_synthesizes_with_placeholders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An empty variable is the same as none.
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "")
    monkeypatch.setenv("STACKS", "tap")
    (template,) = synthesis.synthesize(tmp_path, ["state"])
    assert (template.stack, findings(template)) == ("state", [])
    file = tmp_path / "stacks" / "state" / "cdk.tf.json"
    assert json.loads(file.read_text()) == template.document


def test_stacks_are_those_of_the_variable_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert synthesis.variables()["STACKS"] == "tap,bastion,web,state"
    monkeypatch.setenv("STACKS", "web")
    assert synthesis.variables()["STACKS"] == "web"
    monkeypatch.setenv("TAP_WEB_DOMAIN_NAME", "shop.example.com")
    assert synthesis.variables()["TAP_WEB_DOMAIN_NAME"] == "shop.example.com"


def test_invalid_settings_are_errors_of_the_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "Not_One")
    with pytest.raises(ToolError, match="ENVIRONMENT_SUFFIX: received 'Not_One'"):
        synthesis.synthesize(tmp_path)
