"""Each rule of the verdict has a change that it applies to, and one that it must not."""

from __future__ import annotations

from typing import Any

import pytest

from lib.rules import RULES
from tests.support.plan_changes import BLOCK, CASES, INGRESS, RULE, Entry
from tests.support.plan_documents import change, deny, plan, policy, reviewed, rules, synthesized
from tools.plan_review import Level, review
from tools.plan_review.tables import GUARDS, SETTINGS, STATEFUL, WAIVERS, size
from tools.plan_review.verdict import RULES


def written(entry: Entry) -> dict[str, Any]:
    """The stack's JSON in which the code sets all that changes."""
    values = (entry["change"]["after"] or {}).keys() | entry["change"]["after_unknown"].keys()
    return synthesized(entry, **{entry["name"]: dict.fromkeys(values, True)})


@pytest.mark.parametrize(("rule", "entry"), CASES)
def test_the_rule(rule: str, entry: Entry) -> None:
    refused, _, name = rule.rpartition(" ")
    assert name in RULES
    assert (name in rules(entry, document=written(entry))) is not bool(refused)


def test_every_rule_has_a_change_that_it_applies_to() -> None:
    elsewhere = {"suppressed", "changed-outside", "incomplete"}
    assert {rule for rule, _ in CASES if " " not in rule} | elsewhere == {*RULES}


@pytest.mark.parametrize("kind", STATEFUL)
def test_nothing_that_holds_data_is_destroyed_unseen(kind: str) -> None:
    assert reviewed(change(kind, {"id": "a"}, None)).level is Level.STOP


@pytest.mark.parametrize("kind", GUARDS)
def test_no_guard_is_destroyed_unseen(kind: str) -> None:
    assert GUARDS[kind] in rules(change(kind, {"bucket": "a"}, None))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.attribute}-{one.rule}")
def test_each_setting_has_a_value_that_is_bad(setting: Any) -> None:
    values = (True, False, None, "public-read", "NONE", "all", ["all"], "optional", "AES256")
    values = (*values, "Suspended", "Disabled")
    bad = [value for value in values if setting.bad(value)]
    good = [value for value in (*values, "other") if not setting.bad(value)]
    assert bad
    assert good
    kind = setting.types[0] if setting.types else "aws_thing"
    entry = change(kind, {setting.attribute: good[-1]}, {setting.attribute: bad[0]})
    assert setting.rule in rules(entry)
    back = change(kind, {setting.attribute: bad[0]}, {setting.attribute: good[-1]})
    assert setting.rule not in rules(back)


def test_what_goes_with_its_bucket_opens_nothing() -> None:
    bucket = change("aws_s3_bucket", {"id": "one", "bucket": "one"}, None, name="Bucket")
    block = change("aws_s3_bucket_public_access_block", BLOCK, None, name="Block")
    guard = change(
        *("aws_s3_bucket_policy", {"bucket": "one", "policy": policy(deny("s3:*"))}, None),
        name="Policy",
    )
    assert rules(bucket, block, guard) == {"stateful-destroyed", "destroyed"}
    assert {"public", "access-widened"} <= rules(block, guard)


def test_a_reason_beside_the_resource_makes_a_look_of_a_stop() -> None:
    entry = change(INGRESS, None, RULE | {"cidr_ipv4": "0.0.0.0/0"})
    document = synthesized(entry)
    about = document["resource"][INGRESS]["Thing_Resource"]["//"]
    about["suppressions"] = {"CKV_AWS_99": "another rule's"}
    assert reviewed(entry, document=document).level is Level.STOP
    about["suppressions"] = {"restrict_ingress": "visitors come"}
    judged = reviewed(entry, document=document)
    assert judged.level is Level.LOOK
    assert [one.note for one in judged.findings] == ["ingress from everywhere: visitors come"]
    about["suppressed_since"] = {"restrict_ingress": "2026-11"}
    (found,) = reviewed(entry, document=document).findings
    assert found.note == "ingress from everywhere: visitors come (since 2026-11)"


def test_a_plan_that_is_put_off_in_part_is_told() -> None:
    assert rules(complete=False) == {"incomplete"}


def test_what_was_changed_outside_is_told() -> None:
    moved = change("aws_cloudwatch_log_group", {"retention_in_days": 9}, {"retention_in_days": 1})
    assert rules(resource_drift=[moved]) == {"changed-outside"}


@pytest.mark.parametrize(
    "entry",
    [
        change("aws_sns_topic", None, {"name": "new"}),
        change("aws_sns_topic", {"display_name": "a"}, {"display_name": "b"}),
        change("aws_sns_topic", {"name": "a"}, {"name": "a"}, action="no-op"),
    ],
)
def test_the_rest_is_safe(entry: Entry) -> None:
    assert reviewed(entry).level is Level.SAFE
    assert rules(entry) == set()


def test_the_worst_of_all_stacks_decides() -> None:
    calm = plan(change("aws_sns_topic", None, {"name": "new"}))
    grave = plan(change("aws_kms_key", {"id": "a"}, None))
    assert review([calm]).level is Level.SAFE
    assert review([calm, grave]).level is Level.STOP


@pytest.mark.parametrize(("level", "code"), [("SAFE", 0), ("LOOK", 2), ("STOP", 3)])
def test_the_exit_codes(level: str, code: int) -> None:
    assert Level[level].exit_code == code


def test_sizes_are_ordered() -> None:
    names = (
        "t3.nano",
        "t3.micro",
        "t3.large",
        "t3.xlarge",
        "t3.2xlarge",
        "t3.10xlarge",
        "t3.metal",
    )
    found = [size(name) for name in names]
    assert found == sorted(found)
    assert size("db.r6g.large") == ("db.r6g", 4.0)
    assert size("serverless") is None
    assert size("db.serverless") is None


def test_waivers_are_of_promises_that_there_are() -> None:
    named = {name for names in WAIVERS.values() for name in names}
    assert {name for name in named if not name.startswith("CKV_AWS_")} <= {*RULES}
    assert {*WAIVERS} <= {*RULES}
