"""Event subscriptions of the databases, and the permissions that they require."""

from __future__ import annotations

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Template

INSTANCE_CATEGORIES = {
    *("availability", "configuration change", "failover", "failure", "low storage"),
    *("maintenance", "notification", "recovery"),
}


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def test_events_of_the_cluster_and_its_instances_reach_the_alarm_topic(tap: Template) -> None:
    cluster, instances = (
        tap.get("aws_db_event_subscription", f"Monitoring/DatabaseEvents/{kind}")
        for kind in ("Cluster", "Instance")
    )
    assert cluster["source_type"] == "db-cluster"
    assert cluster["source_ids"] == [tap.get("aws_rds_cluster").ref("cluster_identifier")]
    assert {*cluster["event_categories"]} == {"failover", "failure", "maintenance", "notification"}
    assert instances["source_type"] == "db-instance"
    assert {*instances["source_ids"]} == {
        one.ref("identifier") for one in tap.of_type("aws_rds_cluster_instance")
    }
    assert {*instances["event_categories"]} == INSTANCE_CATEGORIES
    assert [one["name"] for one in (cluster, instances)] == [
        *("db-cluster-events-unit", "db-instance-events-unit"),
    ]


def test_events_of_the_instance_of_the_web_application(web: Template) -> None:
    events = web.get("aws_db_event_subscription", "Monitoring/DatabaseEvents/Instance")
    assert events["source_ids"] == [web.get("aws_db_instance").ref("identifier")]
    assert {*events["event_categories"]} == INSTANCE_CATEGORIES


@pytest.mark.parametrize("stack", ["tap", "web"])
def test_subscriptions_may_publish_to_the_encrypted_topic(stack: str, synth: Synthesizer) -> None:
    template = synth(stack)
    topic, policy = template.get("aws_sns_topic"), template.get("aws_sns_topic_policy")
    for events in template.of_type("aws_db_event_subscription"):
        assert events["sns_topic"] == topic.ref("arn")
        assert policy.address in events["depends_on"]
    statement = policy.statements()["AllowRdsEvents"]
    assert statement["Principal"] == {"Service": "events.rds.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    assert [*statement["Condition"]["StringEquals"]] == ["aws:SourceAccount"]
    key = template.get("aws_kms_key", "Key")
    assert topic["kms_master_key_id"] == key.ref("arn")
    assert key.statements()["AllowRdsEvents"]["Principal"] == statement["Principal"]
