"""Drift excludes the results of Terraform's own work; CloudTrail lookups respect the quota."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.support.plan_documents import allow, change, plan, policy, synthesized
from tools.drift.events import Event, EventHistory, resource_names
from tools.drift.report import report
from tools.plan_review.drift import STANDALONE_RESOURCES, Drift, detect_drift

Values = dict[str, Any]


def drift(
    kind: str,
    before: Values,
    after: Values | None,
    *state: tuple[str, Values],
    code: Values | None = None,
) -> tuple[list[Drift], str]:
    entry = change(kind, before, after)
    resources = [
        {"address": f"{one}.x", "mode": "managed", "type": one, "values": values}
        for one, values in state
    ]
    made = plan(
        resource_drift=[entry],
        prior_state={"values": {"root_module": {"resources": resources}}},
        source=synthesized(entry, Thing_Resource=code or {}),
    )
    found = detect_drift(made)
    return found, report([(made, found)], {}, "")


@pytest.mark.parametrize(("kind", "name"), STANDALONE_RESOURCES)
def test_differences_that_a_standalone_resource_explains_are_no_drift(kind: str, name: str) -> None:
    before, after = {"id": "one", name: []}, {"id": "one", name: ["by another resource"]}
    standalone = STANDALONE_RESOURCES[kind, name][0]
    assert drift(kind, before, after, (standalone, {"bucket": "one"}))[0] == []
    # Without that resource, with that of another bucket, or if the code sets it, they are.
    assert drift(kind, before, after)[0]
    assert drift(kind, before, after, (standalone, {"bucket": "two"}))[0]
    assert drift(kind, before, after, (standalone, {"bucket": "one"}), code={name: []})[0]


def ingress(cidr: str, port: int) -> Values:
    return {"protocol": "tcp", "from_port": port, "to_port": port, "cidr_blocks": [cidr]}


def test_rules_of_a_group_without_a_resource_are_drift() -> None:
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
    explained = [ingress("10.0.0.0/16", 443), itself]
    group, before = "aws_security_group", {"id": "sg-1", "ingress": []}
    assert drift(group, before, before | {"ingress": explained}, *state)[0] == []
    by_hand = [*explained, ingress("198.51.100.7/32", 22)]
    found, text = drift(group, before, before | {"ingress": by_hand}, *state)
    assert len(found) == 1
    assert "+ ingress tcp 22 from 198.51.100.7/32" in text
    assert "443" not in text
    # The rule of another group explains nothing, even if it refers to this group.
    other = (kind, own | {"security_group_id": "sg-2"})
    assert drift(group, before, before | {"ingress": [itself]}, other)[0]
    elsewhere = (kind, ours | {"security_group_id": "sg-2"})
    assert drift(group, before, before | {"ingress": [ingress("10.0.0.0/16", 443)]}, elsewhere)[0]


def test_policies_of_a_role_without_a_resource_are_drift() -> None:
    own = {"name": "own", "policy": policy(allow("a:B", "x"))}
    by_hand = {"name": "by-hand", "policy": policy(allow("*", "*"))}
    before = {"id": "r", "name": "r", "inline_policy": [], "managed_policy_arns": []}
    state = [
        ("aws_iam_role_policy", {"role": "r", "name": "own"}),
        ("aws_iam_role_policy_attachment", {"role": "r", "policy_arn": "arn:ours"}),
    ]
    explained = before | {"inline_policy": [own], "managed_policy_arns": ["arn:ours"]}
    assert drift("aws_iam_role", before, explained, *state)[0] == []
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


def test_routes_of_a_table_without_a_resource_are_drift() -> None:
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
def test_computed_attributes_order_and_formatting_are_no_drift(
    before: Values, after: Values
) -> None:
    assert drift("aws_x", before, after)[0] == []


@pytest.mark.parametrize("ignored", [["stages"], "all"])
def test_ignored_changes_are_no_drift(ignored: Any) -> None:
    for lifecycle in ({"ignore_changes": ignored}, [{"ignore_changes": ignored}]):
        code = {"stages": ["a"], "lifecycle": lifecycle}
        assert drift("aws_x", {"stages": ["a"]}, {"stages": []}, code=code)[0] == []
    code = {"stages": ["a"], "lifecycle": {"ignore_changes": ["another"]}}
    assert drift("aws_x", {"stages": ["a"]}, {"stages": []}, code=code)[0]


def test_changed_tags_are_reported_once() -> None:
    before = {"tags": {"a": "b"}, "tags_all": {"a": "b"}}
    text = drift("aws_x", before, {"tags": {}, "tags_all": {}})[1]
    assert "tags.a: b → none" in text
    assert "tags_all" not in text


def test_destroyed_resources_are_drift() -> None:
    text = drift("aws_s3_bucket", {"id": "one"}, None)[1]
    assert text.startswith("🟡 **drift**: 1 resource was changed outside Terraform (`unit/Thing`)")
    assert "**the resource was destroyed**" in text


def test_a_changed_sensitive_value_is_drift_and_is_not_shown() -> None:
    before, after = {"master_password": "one-one-one"}, {"master_password": "two-two-two"}
    text = drift("aws_rds_cluster", before, after)[1]
    assert "master_password: (sensitive), changed" in text
    assert "two-two-two" not in text


def test_a_long_report_fits_and_counts_omitted_resources() -> None:
    entries = [
        change("aws_x", {"a": "b" * 99}, {"a": "c" * 99}, name=f"Thing{n}") for n in range(999)
    ]
    made = plan(resource_drift=entries, source=synthesized(*entries))
    found = detect_drift(made)
    text = report([(made, found)], {}, "")
    assert len(text.encode()) <= 65_536
    left = int(text.partition("… and ")[2].partition(" ")[0])
    assert text.count("### ") + left == 999


# ---- CloudTrail ---------------------------------------------------------------------------------


def event(name: str, minute: int, **more: Any) -> Values:
    identity = {"userIdentity": {"arn": "arn:aws:sts::1:assumed-role/admin/alice"}}
    return {
        "EventId": f"{name}{minute}",
        "EventName": name,
        "EventTime": datetime.datetime(2026, 11, 20, 10, minute, tzinfo=datetime.UTC),
        "ReadOnly": "false",
        "CloudTrailEvent": json.dumps(identity),
    } | more


class Fake:
    """A CloudTrail client that returns prepared answers and records its calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.names, self.regions, self.pauses = list(answers), [], [], []  # type: ignore[var-annotated]

    def lookup_events(self, LookupAttributes: list[Values]) -> Values:  # noqa: N803
        self.names += [one["AttributeValue"] for one in LookupAttributes]
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return {"Events": answer}

    def history(self) -> EventHistory:
        def client(region: str) -> Fake:
            self.regions.append(region)
            return self

        return EventHistory(client, self.pauses.append)


def changed(kind: str = "aws_x", **values: Any) -> Any:
    return plan(change(kind, values, values | {"a": 1})).changes[0]


def test_the_latest_events_are_returned_with_their_principals() -> None:
    fake = Fake(
        [event("Create", 1), event("Describe", 9, ReadOnly="true"), event("Modify", 5)],
        [event("Modify", 5), event("Tag", 3, CloudTrailEvent="{", Username="root")],
    )
    events = fake.history().events(changed(name="one", id="two"), "eu-west-1")
    alice = "arn:aws:sts::1:assumed-role/admin/alice"
    assert events == [
        Event("Modify", alice, "2026-11-20 10:05 UTC"),
        Event("Tag", "root", "2026-11-20 10:03 UTC"),
        Event("Create", alice, "2026-11-20 10:01 UTC"),
    ]
    assert fake.names == ["one", "two"]
    assert fake.pauses == [0.5]
    assert fake.regions == ["eu-west-1"]


def test_events_of_global_services_are_looked_up_in_their_region() -> None:
    fake = Fake()
    fake.history().events(changed("aws_iam_role", name="one"), "eu-west-1")
    assert fake.regions == ["us-east-1"]


def test_names_come_before_arns_and_lookups_are_limited() -> None:
    values = {"arn": "arn:aws:sqs:e:1:q", "id": "https://sqs/1/q", "name": "q", "bucket": "b"}
    values |= {"function_name": "f", "role": "r"}
    assert resource_names(changed(**values)) == ["q", "b", "f"]
    assert resource_names(changed()) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "LookupEvents"),
            "these credentials do not permit cloudtrail:LookupEvents",
        ),
        (
            ClientError({"Error": {"Code": "ThrottlingException"}}, "LookupEvents"),
            "LookupEvents returned ThrottlingException",
        ),
        (NoCredentialsError(), "the call failed (NoCredentialsError)"),
    ],
)
def test_after_a_failed_lookup_the_reason_is_reported_and_no_call_follows(
    error: Exception, reason: str
) -> None:
    fake = Fake(error)
    history = fake.history()
    assert history.events(changed(name="one"), "eu-west-1") == []
    assert history.events(changed(name="two"), "eu-west-1") == []
    assert fake.names == ["one"]
    assert history.unavailable == f"CloudTrail events are not available: {reason}."


def test_events_are_listed_below_the_differences() -> None:
    entry = change("aws_x", {"a": "b"}, {"a": "c"})
    made = plan(resource_drift=[entry], source=synthesized(entry))
    found = detect_drift(made)
    events = {("unit", entry["address"]): [Event("ModifyThing", "alice", "2026-11-20 10:05 UTC")]}
    text = report([(made, found)], events, "")
    assert "- `ModifyThing` by `alice` at 2026-11-20 10:05 UTC" in text
    assert "no event for this resource" not in text
    assert "CloudTrail has no event for this resource in the last 90 days." in report(
        [(made, found)], {}, ""
    )
    assert "no event for this resource" not in report([(made, found)], {}, "It is not available.")
    assert "It is not available." in report([(made, found)], {}, "It is not available.")
