"""The policy gate: that each fault is told by name, with where it stands and what to do."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import lib.rules
from lib.rules import RULES, Finding, findings
from lib.rules import Template as Sound
from lib.settings import Settings
from lib.stacks import STACKS
from tests.support.faults import FAULTS, Plant
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template, arguments_of
from tools import checkov
from tools.errors import ToolError
from tools.policy import __main__ as gate
from tools.policy import stacks, suppressions

ALARM = Finding("tap", "tap/Topic", "aws_sns_topic.T", "rule", "a fault", "a reason", "a remedy")


def seen(template: Template) -> Sound:
    """As the gate sees it, which reads the stack once."""
    return Sound(template.document, template.settings)


@pytest.mark.parametrize(
    ("name", "stack", "plant"), FAULTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_planted_fault_is_found(name: str, stack: str, plant: Plant, synth: Synthesizer) -> None:
    copy = synth(stack).copy()
    where = plant(copy)
    address = where.address if isinstance(where, Resource) else where
    severity = RULES[name].severity
    (one, *_) = (
        one
        for one in findings(seen(copy), severity=severity)
        if one.rule == name and one.address.startswith(address)
    )
    text = gate.report([one])
    if isinstance(where, Resource):
        assert one.path == f"{stack}/{where.path}"
    for part in (one.path, address, name, one.fault, RULES[name].why, RULES[name].remedy):
        assert part in text
    assert len(str(one).splitlines()) == 1


@pytest.mark.parametrize("stack", STACKS)
def test_a_sound_stack_has_no_finding(stack: str, synth: Synthesizer) -> None:
    assert findings(seen(synth(stack))) == []


def test_what_cannot_be_judged_is_told(tap: Template) -> None:
    copy = tap.copy()
    rule = copy.of_type("aws_vpc_security_group_ingress_rule")[0]
    rule.body["cidr_ipv4"] = "10.0.0.0/99"
    told = [one for one in findings(seen(copy)) if one.rule == "restrict_ingress"]
    assert [(one.path, one.fault) for one in told] == [
        ("tap", "cannot be judged: '10.0.0.0/99' does not appear to be an IPv4 or IPv6 network")
    ]


def test_no_waiver_excuses_what_allows_none(tap: Template) -> None:
    copy = tap.copy()
    cluster = copy.get("aws_rds_cluster")
    cluster.body["master_password"] = "hunter2"
    cluster.body["//"].setdefault("suppressions", {})["no_secrets_in_state"] = "I know what I do"
    rules = {one.rule for one in findings(seen(copy))}
    assert rules == {"no_secrets_in_state", "suppressions_have_reasons"}


def test_every_type_that_a_promise_names_exists() -> None:
    """A misspelt one would be a rule that nothing can break."""
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


def test_the_report_gathers_what_one_construct_has() -> None:
    other = Finding("tap", "tap/Other", "aws_vpc.O", "rule", "a fault", "a reason", "a remedy")
    second = Finding("tap", "tap/Topic", "aws_sns_topic.T", "second", "more", "why not", "no")
    assert gate.report([second, ALARM, other]).splitlines() == [
        "tap/Other (aws_vpc.O)",
        *("  rule: a fault", "    why:    a reason", "    remedy: a remedy"),
        "tap/Topic (aws_sns_topic.T)",
        *("  rule: a fault", "    why:    a reason", "    remedy: a remedy"),
        *("  second: more", "    why:    why not", "    remedy: no"),
    ]


def test_a_waiver_excuses_one_check_of_one_resource(settings: Settings) -> None:
    suppressed = {
        "CHECK_1": "a reason",
        "CHECK_2": "never needed",
        "OTHER_1": "no check of this kind",
    }
    about = {"metadata": {"path": "tap/Topic/Resource"}, "suppressions": suppressed}
    document = {
        "//": {"metadata": {"stackName": "tap"}},
        "resource": {"aws_sns_topic": {"T": {"//": about}}},
    }

    def failed(rule: str, address: str = "aws_sns_topic.T") -> Finding:
        return Finding("tap", "tap/Topic", address, rule, "a fault", "a reason", "a remedy")

    standing, excused = suppressions.judge(
        [failed("CHECK_1"), failed("CHECK_1", "aws_sns_topic.U"), failed("CHECK_3")],
        [Sound(document, settings)],
        "CHECK_",
    )
    assert excused == [failed("CHECK_1")]
    assert [(one.address, one.rule, one.fault) for one in standing] == [
        ("aws_sns_topic.T", "CHECK_3", "a fault"),
        (
            *("aws_sns_topic.T", "suppressions_have_reasons"),
            "suppresses CHECK_2, which does not fail there",
        ),
        ("aws_sns_topic.U", "CHECK_1", "a fault"),
    ]


class Run:
    """The gate over given stacks, with checkov and the linter finding nothing by themselves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.failed: list[checkov.Failure] = []
        self.invalid: list[Finding] = []

    def __call__(self, *templates: Template) -> tuple[int, str]:
        read = [seen(template) for template in templates]
        self.monkeypatch.setattr(gate, "synthesize", lambda _folder: read)
        self.monkeypatch.setattr(gate.iam, "lint", lambda _policies: self.invalid)
        self.monkeypatch.setattr(checkov, "failures", lambda _folder: (self.failed, 7))
        code = gate.main()
        return code, self.capsys.readouterr().out


@pytest.fixture
def run_gate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


@pytest.fixture
def state(synth: Synthesizer) -> Template:
    """A stack without suppressions of checkov's, which finds nothing here to suppress."""
    copy = synth("state").copy()
    for resource in copy.resources():
        resource.body["//"].pop("suppressions", None)
    return copy


def test_all_is_well_in_one_line(state: Template, run_gate: Run) -> None:
    assert run_gate(state) == (
        0,
        f"policy: state: {len(state.resources())} resources, {len(RULES)} rules,"
        " 1 IAM policies, 7 checks of checkov passed, 0 suppressions; to be solved: nothing\n",
    )


def test_a_broken_promise_fails_the_gate(state: Template, run_gate: Run) -> None:
    bucket = state.get("aws_s3_bucket")
    del state.document["resource"]["aws_s3_bucket_public_access_block"]
    code, said = run_gate(state)
    assert code == 1
    assert said.startswith(f"state/{bucket.path} ({bucket.address})\n  no_public_access: public")
    assert said.endswith("; to be solved: 1\n")


def test_a_failed_check_fails_the_gate(state: Template, run_gate: Run) -> None:
    bucket = state.get("aws_s3_bucket").address
    run_gate.failed = [checkov.Failure("state", bucket, "CKV_AWS_18", "Ensure logging", bucket)]
    code, said = run_gate(state)
    assert code == 1
    assert "CKV_AWS_18" in said
    assert "Ensure logging" in said


def test_an_invalid_policy_fails_the_gate(state: Template, run_gate: Run) -> None:
    run_gate.invalid = [ALARM]
    assert run_gate(state)[0] == 1


def test_the_gate_looks_at_stacks_that_main_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKS", "state")
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "")
    (template,) = stacks.synthesize(tmp_path)
    assert (template.stack, findings(template)) == ("state", [])
    file = tmp_path / "stacks" / "state" / "cdk.tf.json"
    assert json.loads(file.read_text()) == template.document


def test_wrong_settings_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "Not_One")
    with pytest.raises(ToolError, match="ENVIRONMENT_SUFFIX: received 'Not_One'"):
        stacks.synthesize(tmp_path)
