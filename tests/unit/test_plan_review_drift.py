"""Drift: the echo of Terraform's own work is left out, and CloudTrail is asked gently."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.support.plan_documents import allow, change, plan, policy, synthesized
from tools.drift.report import report
from tools.drift.trail import Deed, Trail, candidates
from tools.plan_review import outside
from tools.plan_review.outside import COMPANIONS

Values = dict[str, Any]


def drift(
    kind: str,
    before: Values,
    after: Values | None,
    *state: tuple[str, Values],
    code: Values | None = None,
) -> tuple[list[outside.Drift], str]:
    entry = change(kind, before, after)
    resources = [
        {"address": f"{one}.x", "mode": "managed", "type": one, "values": values}
        for one, values in state
    ]
    made = plan(
        resource_drift=[entry],
        prior_state={"values": {"root_module": {"resources": resources}}},
        document=synthesized(entry, Thing_Resource=code or {}),
    )
    found = outside.drift(made)
    return found, report([(made, found)], {}, "")


@pytest.mark.parametrize(("kind", "name"), COMPANIONS)
def test_what_a_companion_accounts_for_is_no_drift(kind: str, name: str) -> None:
    before, after = {"id": "one", name: []}, {"id": "one", name: ["by another resource"]}
    companion = COMPANIONS[kind, name][0]
    assert drift(kind, before, after, (companion, {"bucket": "one"}))[0] == []
    # Without it, with another's, or where the code sets it, somebody did it.
    assert drift(kind, before, after)[0]
    assert drift(kind, before, after, (companion, {"bucket": "two"}))[0]
    assert drift(kind, before, after, (companion, {"bucket": "one"}), code={name: []})[0]


def ingress(cidr: str, port: int) -> Values:
    return {"protocol": "tcp", "from_port": port, "to_port": port, "cidr_blocks": [cidr]}


def test_of_a_groups_rules_those_that_are_nobodys_are_drift() -> None:
    ours = {
        "security_group_id": "sg-1",
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_ipv4": "10.0.0.0/16",
    }
    own = ours | {
        "cidr_ipv4": None,
        "referenced_security_group_id": "sg-1",
        "from_port": 1,
        "to_port": 1,
    }
    kind = "aws_vpc_security_group_ingress_rule"
    state = [(kind, ours), (kind, own)]
    itself = {"protocol": "tcp", "from_port": 1, "to_port": 1, "self": True}
    echoed = [ingress("10.0.0.0/16", 443), itself]
    group, before = "aws_security_group", {"id": "sg-1", "ingress": []}
    assert drift(group, before, before | {"ingress": echoed}, *state)[0] == []
    by_hand = [*echoed, ingress("198.51.100.7/32", 22)]
    found, text = drift(group, before, before | {"ingress": by_hand}, *state)
    assert len(found) == 1
    assert "+ ingress tcp 22 from 198.51.100.7/32" in text
    assert "443" not in text
    # The rule of another group accounts for nothing here, not even one that names this group.
    other = (kind, own | {"security_group_id": "sg-2"})
    assert drift(group, before, before | {"ingress": [itself]}, other)[0]
    elsewhere = (kind, ours | {"security_group_id": "sg-2"})
    assert drift(group, before, before | {"ingress": [ingress("10.0.0.0/16", 443)]}, elsewhere)[0]


def test_of_a_roles_policies_those_that_are_nobodys_are_drift() -> None:
    own = {"name": "own", "policy": policy(allow("a:B", "x"))}
    by_hand = {"name": "by-hand", "policy": policy(allow("*", "*"))}
    before = {"id": "r", "name": "r", "inline_policy": [], "managed_policy_arns": []}
    state = [
        ("aws_iam_role_policy", {"role": "r", "name": "own"}),
        ("aws_iam_role_policy_attachment", {"role": "r", "policy_arn": "arn:ours"}),
    ]
    echo = before | {"inline_policy": [own], "managed_policy_arns": ["arn:ours"]}
    assert drift("aws_iam_role", before, echo, *state)[0] == []
    moved = before | {
        "inline_policy": [own, by_hand],
        "managed_policy_arns": ["arn:ours", "arn:theirs"],
    }
    text = drift("aws_iam_role", before, moved, *state)[1]
    assert "by-hand" in text
    assert "+   *" in text
    assert "arn:theirs" in text
    assert "a:B" not in text
    assert "arn:ours" not in text


def test_of_a_tables_routes_those_that_are_nobodys_are_drift() -> None:
    ours = {"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}
    theirs = {"cidr_block": "10.9.0.0/16", "vpc_peering_connection_id": "pcx-1"}
    route = {
        "route_table_id": "rtb-1",
        "destination_cidr_block": "0.0.0.0/0",
        "gateway_id": "igw-1",
    }
    before = {"id": "rtb-1", "route": []}
    table, state = "aws_route_table", ("aws_route", route)
    assert drift(table, before, before | {"route": [ours]}, state)[0] == []
    text = drift(table, before, before | {"route": [ours, theirs]}, state)[1]
    assert "+ route 10.9.0.0/16 via pcx-1" in text
    assert "igw-1" not in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"cluster_members": []}, {"cluster_members": ["one"]}),
        ({"latest_version": "1"}, {"latest_version": "2"}),
        ({"l": ["a", "b"]}, {"l": ["b", "a"]}),
        ({"description": None}, {"description": ""}),
    ],
)
def test_what_nobody_set_is_no_drift(before: Values, after: Values) -> None:
    assert drift("aws_x", before, after)[0] == []


@pytest.mark.parametrize("ignored", [["stages"], "all"])
def test_what_the_code_leaves_to_others_is_no_drift(ignored: Any) -> None:
    for lifecycle in ({"ignore_changes": ignored}, [{"ignore_changes": ignored}]):
        code = {"stages": ["a"], "lifecycle": lifecycle}
        assert drift("aws_x", {"stages": ["a"]}, {"stages": []}, code=code)[0] == []
    code = {"stages": ["a"], "lifecycle": {"ignore_changes": ["another"]}}
    assert drift("aws_x", {"stages": ["a"]}, {"stages": []}, code=code)[0]


def test_tags_are_told_once() -> None:
    before, after = {"tags": {"a": "b"}, "tags_all": {"a": "b"}}, {"tags": {}, "tags_all": {}}
    text = drift("aws_x", before, after)[1]
    assert "tags.a: b → none" in text
    assert "tags_all" not in text


def test_what_is_gone_is_drift() -> None:
    text = drift("aws_s3_bucket", {"id": "one"}, None)[1]
    assert text.startswith("🟡 **drift**: 1 resource is not as Terraform left it (`unit/Thing`)")
    assert "**it was destroyed**" in text


def test_a_sensitive_value_that_was_changed_is_drift_and_not_shown() -> None:
    before, after = {"master_password": "one-one-one"}, {"master_password": "two-two-two"}
    text = drift("aws_rds_cluster", before, after)[1]
    assert "master_password: (sensitive), another value" in text
    assert "two-two-two" not in text


def test_a_long_drift_fits_and_is_counted() -> None:
    entries = [
        change("aws_x", {"a": "b" * 99}, {"a": "c" * 99}, name=f"Thing{n}") for n in range(999)
    ]
    made = plan(resource_drift=entries, document=synthesized(*entries))
    found = outside.drift(made)
    text = report([(made, found)], {}, "")
    assert len(text.encode()) <= 65_536
    left = int(text.partition("… and ")[2].partition(" ")[0])
    assert text.count("### ") + left == 999


# ---- CloudTrail ---------------------------------------------------------------------------------


def event(name: str, minute: int, **more: Any) -> Values:
    identity = {"userIdentity": {"arn": "arn:aws:sts::1:assumed-role/admin/someone"}}
    return {
        "EventId": f"{name}{minute}",
        "EventName": name,
        "EventTime": datetime.datetime(2026, 11, 20, 10, minute, tzinfo=datetime.UTC),
        "ReadOnly": "false",
        "CloudTrailEvent": json.dumps(identity),
    } | more


class Fake:
    """CloudTrail that answers with the same events, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.regions, self.slept = list(answers), [], [], []  # type: ignore[var-annotated]

    def lookup_events(self, LookupAttributes: list[Values]) -> Values:  # noqa: N803
        self.asked += [one["AttributeValue"] for one in LookupAttributes]
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return {"Events": answer}

    def trail(self) -> Trail:
        def client(region: str) -> Fake:
            self.regions.append(region)
            return self

        return Trail(client, self.slept.append)


def thing(kind: str = "aws_x", **values: Any) -> Any:
    return plan(change(kind, values, values | {"a": 1})).changes[0]


def test_the_latest_calls_are_told_with_who_made_them() -> None:
    fake = Fake(
        [event("Create", 1), event("Describe", 9, ReadOnly="true"), event("Modify", 5)],
        [event("Modify", 5), event("Tag", 3, CloudTrailEvent="{", Username="root")],
    )
    deeds = fake.trail().deeds(thing(name="one", id="two"), "eu-west-1")
    someone = "arn:aws:sts::1:assumed-role/admin/someone"
    assert deeds == [
        Deed("Modify", someone, "2026-11-20 10:05 UTC"),
        Deed("Tag", "root", "2026-11-20 10:03 UTC"),
        Deed("Create", someone, "2026-11-20 10:01 UTC"),
    ]
    assert fake.asked == ["one", "two"]
    assert fake.slept == [0.5]
    assert fake.regions == ["eu-west-1"]


def test_global_services_are_asked_where_they_keep_their_events() -> None:
    fake = Fake()
    fake.trail().deeds(thing("aws_iam_role", name="one"), "eu-west-1")
    assert fake.regions == ["us-east-1"]


def test_names_come_before_addresses_and_only_a_few_are_asked() -> None:
    values = {"arn": "arn:aws:sqs:e:1:q", "id": "https://sqs/1/q", "name": "q", "bucket": "b"}
    values |= {"function_name": "f", "role": "r"}
    assert candidates(thing(**values)) == ["q", "b", "f"]
    assert candidates(thing()) == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "LookupEvents"),
            "these credentials may not call cloudtrail:LookupEvents",
        ),
        (
            ClientError({"Error": {"Code": "ThrottlingException"}}, "LookupEvents"),
            "LookupEvents was answered with ThrottlingException",
        ),
        (NoCredentialsError(), "it cannot be asked (NoCredentialsError)"),
    ],
)
def test_where_cloudtrail_does_not_answer_it_is_said_once_and_not_asked_again(
    error: Exception, told: str
) -> None:
    fake = Fake(error)
    trail = fake.trail()
    assert trail.deeds(thing(name="one"), "eu-west-1") == []
    assert trail.deeds(thing(name="two"), "eu-west-1") == []
    assert fake.asked == ["one"]
    assert trail.silence == f"CloudTrail does not say who did it: {told}."


def test_who_did_it_stands_below_what_was_done() -> None:
    entry = change("aws_x", {"a": "b"}, {"a": "c"})
    made = plan(resource_drift=[entry], document=synthesized(entry))
    found = outside.drift(made)
    deeds = {("unit", entry["address"]): [Deed("ModifyThing", "someone", "2026-11-20 10:05 UTC")]}
    text = report([(made, found)], deeds, "")
    assert "- `ModifyThing` by `someone` at 2026-11-20 10:05 UTC" in text
    assert "no event about it" not in text
    assert "CloudTrail has no event about it in the last 90 days." in report(
        [(made, found)], {}, ""
    )
    assert "no event about it" not in report([(made, found)], {}, "It is silent.")
    assert "It is silent." in report([(made, found)], {}, "It is silent.")
