"""Each rule of the review applies to its changes, and its findings are in the report."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lib.rules import RULES as SYNTHESIS_RULES
from tests.support.plan_changes import BLOCK, CASES, INGRESS, RULE, Entry
from tests.support.plan_documents import change, deny, plan, policy, reviewed, rules, synthesized
from tools.plan_review import Level, Review, Rule, Section, evaluate, report
from tools.plan_review.checks.costs import size
from tools.plan_review.checks.lifecycle import STATEFUL
from tools.plan_review.checks.settings import SAFEGUARDS, SETTINGS, Setting, is_true, violating
from tools.plan_review.reference import table
from tools.plan_review.rules import RULES


def source(entry: Entry) -> dict[str, Any]:
    """Return a source in which the code sets all attributes that change."""
    planned = entry["change"]
    values = (planned["after"] or {}).keys() | planned["after_unknown"].keys()
    return synthesized(entry, **{entry["name"]: dict.fromkeys(values, True)})


def suppressed(entry: Entry, name: str, since: str = "2026-11") -> dict[str, Any]:
    """Return a source that suppresses a rule for the resource of a change."""
    document = synthesized(entry)
    about = document["resource"][entry["type"]][entry["name"]]["//"]
    about["suppressions"] = {name: {"reason": "the site is public", "since": since}}
    return document


OPEN = change(INGRESS, None, RULE | {"cidr_ipv4": "0.0.0.0/0"})
RETENTION = change("aws_cloudwatch_log_group", {"retention_in_days": 9}, {"retention_in_days": 1})
# Rules that depend on more than one change.
OTHER_EXAMPLES = {
    "suppressed": lambda: reviewed(OPEN, source=suppressed(OPEN, "restrict_ingress")),
    "drift": lambda: reviewed(resource_drift=[RETENTION]),
    "incomplete": lambda: reviewed(complete=False),
}


def example(name: str) -> Review:
    """Return a review with a finding of a rule."""
    if name in OTHER_EXAMPLES:
        return OTHER_EXAMPLES[name]()
    entry = next(entry for rule, entry in CASES if rule == name)
    return reviewed(entry, source=source(entry))


@pytest.mark.parametrize(("rule", "entry"), CASES)
def test_rule_applies(rule: str, entry: Entry) -> None:
    negated, _, name = rule.rpartition(" ")
    assert name in RULES
    assert (name in rules(entry, source=source(entry))) is not bool(negated)


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, _ in CASES if " " not in rule} | {*OTHER_EXAMPLES} == {*RULES}


@pytest.mark.parametrize("name", RULES)
def test_every_finding_is_in_the_section_of_its_rule(name: str) -> None:
    rule = RULES[name]
    result = example(name)
    found = [one for one in result.findings if one.rule is rule]
    assert found
    for limit in (None, 2000):
        text = report(result, limit=limit)
        section = text.partition(f"### {rule.section.value}\n")[2].partition("\n### ")[0]
        lines = [line for line in section.splitlines() if rule.title in line]
        assert any(f"`{one.where}`" in line for one in found for line in lines), text


@pytest.mark.parametrize("section", Section)
def test_a_new_rule_is_one_row(section: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is evaluated, reported in its section and documented without further code."""
    check = violating(Setting("is_example", is_true, "example"))
    row = Rule("example", Level.STOP, section, "example title", "it is an example", (check,))
    monkeypatch.setitem(RULES, row.name, row)
    entry = change("google_thing", {"is_example": False}, {"is_example": True})
    text = report(reviewed(entry))
    assert text.startswith("🔴 **stop**: example title (`unit/Thing`)")
    body = text.partition("\n")[2]
    assert re.search(rf"### {section.value}\n(.*\n)+.*example title.*`|`unit/Thing`", body)
    assert "example title" in body
    assert "`unit/Thing`" in body
    assert "| stop | `example` | example title |" in table()


def test_rules_have_checks_and_distinct_titles() -> None:
    assert [one.name for one in RULES.values() if not (one.checks or one.plan_checks)] == [
        "suppressed"
    ]
    assert len({one.title for one in RULES.values()}) == len(RULES)


@pytest.mark.parametrize("kind", STATEFUL)
def test_destroying_a_stateful_resource_is_stop(kind: str) -> None:
    assert reviewed(change(kind, {"id": "a"}, None)).level is Level.STOP


@pytest.mark.parametrize("kind", SAFEGUARDS)
def test_destroying_a_safeguard_is_reported(kind: str) -> None:
    assert SAFEGUARDS[kind] in rules(change(kind, {"bucket": "a"}, None))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.attribute}-{one.rule}")
def test_each_setting_has_violating_and_accepted_values(setting: Any) -> None:
    values: tuple[Any, ...] = (
        True,
        False,
        None,
        "public-read",
        "NONE",
        "all",
        ["all"],
        "optional",
        "AES256",
    )
    values = (*values, "Suspended", "Disabled")
    violations = [value for value in values if setting.is_violation(value)]
    accepted = [value for value in (*values, "other") if not setting.is_violation(value)]
    assert violations
    assert accepted
    kind = setting.types[0] if setting.types else "aws_thing"
    entry = change(kind, {setting.attribute: accepted[-1]}, {setting.attribute: violations[0]})
    assert setting.rule in rules(entry)
    back = change(kind, {setting.attribute: violations[0]}, {setting.attribute: accepted[-1]})
    assert setting.rule not in rules(back)


def test_policies_destroyed_with_their_bucket_do_not_widen_access() -> None:
    bucket = change("aws_s3_bucket", {"id": "one", "bucket": "one"}, None, name="Bucket")
    block = change("aws_s3_bucket_public_access_block", BLOCK, None, name="Block")
    bucket_policy = change(
        *("aws_s3_bucket_policy", {"bucket": "one", "policy": policy(deny("s3:*"))}, None),
        name="Policy",
    )
    assert rules(bucket, block, bucket_policy) == {"stateful-destroyed", "destroyed"}
    assert {"public", "access-widened"} <= rules(block, bucket_policy)


def test_a_suppression_in_the_source_changes_stop_to_look() -> None:
    assert reviewed(OPEN, source=suppressed(OPEN, "CKV_AWS_99")).level is Level.STOP
    result = reviewed(OPEN, source=suppressed(OPEN, "restrict_ingress"))
    assert result.level is Level.LOOK
    assert [one.note for one in result.findings] == [
        "ingress from the internet: the site is public (since 2026-11)"
    ]


@pytest.mark.parametrize(
    "entry",
    [
        change("aws_sns_topic", None, {"name": "new"}),
        change("aws_sns_topic", {"display_name": "a"}, {"display_name": "b"}),
        change("aws_sns_topic", {"name": "a"}, {"name": "a"}, action="no-op"),
    ],
)
def test_other_changes_are_safe(entry: Entry) -> None:
    assert reviewed(entry).level is Level.SAFE
    assert rules(entry) == set()


def test_the_highest_level_of_all_plans_is_the_verdict() -> None:
    safe = plan(change("aws_sns_topic", None, {"name": "new"}))
    stop = plan(change("aws_kms_key", {"id": "a"}, None))
    assert evaluate([safe]).level is Level.SAFE
    assert evaluate([safe, stop]).level is Level.STOP


@pytest.mark.parametrize(("level", "code"), [("SAFE", 0), ("LOOK", 3), ("STOP", 1)])
def test_exit_code_of_a_level(level: str, code: int) -> None:
    assert Level[level].exit_code == code


def test_sizes_are_ordered_within_a_family() -> None:
    names = (
        "t3.nano",
        "t3.micro",
        "t3.large",
        "t3.xlarge",
        "t3.2xlarge",
        "t3.10xlarge",
        "t3.metal",
    )
    found: list[Any] = [size(name) for name in names]
    assert found == sorted(found)
    assert size("db.r6g.large") == ("db.r6g", 4.0)
    assert size("serverless") is None
    assert size("db.serverless") is None


def test_suppressions_have_names_of_synthesis_rules_or_checkov_checks() -> None:
    names = {name for rule in RULES.values() for name in rule.suppressed_by}
    assert names
    assert {name for name in names if not re.fullmatch(r"CKV_AWS_\d+", name)} <= {*SYNTHESIS_RULES}
