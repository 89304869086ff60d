"""The pictures in docs/architecture show all of what is synthesized, up to date."""

from __future__ import annotations

import copy
import re
from collections import Counter
from typing import Any

import pytest

from lib.stacks import STACKS
from tests.support.drawings import SVG, drawn, parsed, written
from tests.support.synthesis import Synthesizer
from tools.diagrams.__main__ import DOCUMENTS
from tools.diagrams.flows import flows
from tools.diagrams.kinds import FAMILIES, counted, humanize, title_of
from tools.diagrams.model import Stack
from tools.diagrams.picture import Picture
from tools.diagrams.svg import Drawing

kept = pytest.mark.parametrize("stack", STACKS)


def titles(drawing: Drawing) -> dict[str, str]:
    items = {item.key: item.title for item in drawing.picture.items()}
    return items | {actor.key: actor.title for actor in drawing.actors}


def arrows(drawing: Drawing) -> set[tuple[str, str, str]]:
    named = titles(drawing)
    return {
        (named[flow.source], flow.label, named[flow.target])
        for flow in (route.flow for route in drawing.routes)
    }


# ---- up to date ----------------------------------------------------------------------------------


@kept
def test_the_picture_is_up_to_date(synth: Synthesizer, stack: str) -> None:
    kept_text = (DOCUMENTS / f"{stack}.svg").read_text(encoding="utf-8")
    assert kept_text == drawn(synth, stack).text(), "run `make diagrams`"


def test_there_is_a_picture_of_each_stack_and_of_nothing_else() -> None:
    assert {file.name for file in DOCUMENTS.iterdir()} == {f"{stack}.svg" for stack in STACKS}


@kept
def test_the_order_of_the_json_does_not_matter(synth: Synthesizer, stack: str) -> None:
    document = copy.deepcopy(synth.environment("dev", stack).document)
    document["resource"] = {
        type_: dict(reversed(named.items()))
        for type_, named in reversed(document["resource"].items())
    }
    assert Drawing(document).text() == drawn(synth, stack).text()


# ---- all of it -----------------------------------------------------------------------------------


@kept
def test_every_resource_belongs_to_one_box_that_is_shown(synth: Synthesizer, stack: str) -> None:
    blocks = synth.environment("dev", stack).document["resource"]
    expected = Counter(f"{type_}.{name}" for type_, named in blocks.items() for name in named)
    drawing = drawn(synth, stack)
    items = drawing.picture.items()
    assert Counter(member.address for item in items for member in item.members) == expected
    shown = drawing.layout.boxes.keys() | drawing.layout.frames.keys()
    assert {item.key for item in items} <= shown


@kept
def test_the_legend_counts_every_resource(synth: Synthesizer, stack: str) -> None:
    texts = written(stack)
    total = len(drawn(synth, stack).picture.stack.resources)
    assert any(text.endswith(f"Stack {stack}, {total} resources") for text in texts)
    names = "|".join(family.name for family in FAMILIES.values())
    counted_by_family = [re.fullmatch(rf"(?:{names}): (\d+)", text) for text in texts]
    assert sum(int(match[1]) for match in counted_by_family if match) == total
    by_type = [part for text in texts for part in text.split("  ·  ")]
    for type_, count in Counter(
        r.type for r in drawn(synth, stack).picture.stack.resources
    ).items():
        assert counted(type_, count) in by_type


@kept
def test_every_tile_is_written_and_tells_its_resources(synth: Synthesizer, stack: str) -> None:
    told = {element.text for element in parsed(stack).iter(f"{SVG}title")}
    for item in drawn(synth, stack).picture.items():
        types = Counter(member.type for member in item.members)
        resources = ", ".join(counted(*each) for each in sorted(types.items()))
        assert f"{item.title}: {resources}" in told
    for tile in drawn(synth, stack).picture.tiles.values():
        assert {tile.title, tile.subtitle} <= {*written(stack)}


@pytest.mark.parametrize(
    ("stack", "address", "title"),
    [
        (
            "tap",
            "aws_vpc_security_group_ingress_rule.Network_Endpoints",
            "Secrets Manager endpoint",
        ),
        ("tap", "aws_s3_bucket_policy.DataProcessing_Data", "Data"),
        ("tap", "aws_cloudwatch_event_target.Monitoring", "Findings"),
        ("web", "aws_lb_listener.Api_Link", "Link balancer"),
        ("web", "aws_eip.Network_NatAddress1", "NAT gateway 1"),
        ("web", "aws_route.Network_PrivateRoute1", "Private subnet  10.0.10.0/24"),
        ("web", "aws_route_table.Network_IsolatedRoutes2", "Isolated subnet  10.0.21.0/24"),
        ("web", "aws_db_subnet_group.Network", "Database"),
        ("bastion", "aws_iam_role_policy.Bastion", "Bastion"),
    ],
)
def test_parts_belong_to_what_they_are_part_of(
    synth: Synthesizer, stack: str, address: str, title: str
) -> None:
    owners = {
        item.title
        for item in drawn(synth, stack).picture.items()
        for member in item.members
        if member.address.startswith(address)
    }
    assert owners == {title}


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("aws_dax_cluster", r"aws_dax_cluster\.New \(New\): .* no tile stands for.* Add a row"),
        ("aws_s3_bucket_policy", r"aws_s3_bucket_policy\.New \(New\): .*KINDS"),
    ],
)
def test_a_resource_without_a_place_is_refused(
    synth: Synthesizer, type_: str, message: str
) -> None:
    document = copy.deepcopy(synth.environment("dev", "state").document)
    new = {"New": {"//": {"metadata": {"path": "state/New"}}}}
    document["resource"].setdefault(type_, {}).update(new)
    with pytest.raises(ValueError, match=message):
        Drawing(document)


def test_a_part_of_an_unknown_family_is_refused(synth: Synthesizer) -> None:
    document = copy.deepcopy(synth.environment("dev", "state").document)
    part = {"//": {"metadata": {"path": "state/State/Cluster"}}}
    document["resource"]["aws_dax_cluster"] = {"New": part}
    with pytest.raises(ValueError, match=r"aws_dax_cluster: .*no family.*PREFIXES"):
        Drawing(document)


# ---- what it tells -------------------------------------------------------------------------------


def test_the_platform_shows_how_results_flow(synth: Synthesizer) -> None:
    drawing = drawn(synth, "tap")
    assert arrows(drawing) >= {
        ("Test runs", "results", "Data"),
        ("Data", "incoming/", "Queue"),
        ("Queue", "5 failures", "Dead letters"),
        ("Queue", "batches", "Data processing"),
        ("Data processing", "443", "S3 endpoint"),
        ("S3 endpoint", "", "Data"),
        ("Secrets Manager endpoint", "", "Database secret"),
        ("Data processing", "5432", "Database"),
        ("Trail", "", "Audit"),
        ("Metric filters", "", "Alarms"),
        ("Alarms", "", "Topic"),
        (drawing.picture.vpc.title, "", "Flow logs"),
    }


def test_the_web_application_shows_both_ways_in(synth: Synthesizer) -> None:
    assert arrows(drawn(synth, "web")) >= {
        ("Internet", "", "Internet gateway"),
        ("Internet gateway", "80, 443", "Load balancer"),
        ("Load balancer", "80", "Fleet"),
        ("Fleet", "5432", "Database"),
        ("Fleet", "", "Data"),
        ("Fleet", "", "Parameters"),
        ("API clients", "", "API"),
        ("API", "VPC link", "Link balancer"),
        ("Link balancer", "443", "Load balancer"),
        ("Firewall", "guards", "API"),
        ("Firewall", "guards", "Load balancer"),
        ("NAT gateway 1", "", "Internet gateway"),
    }


def test_the_production_network_shows_the_way_to_its_instances(synth: Synthesizer) -> None:
    told = arrows(drawn(synth, "bastion"))
    assert told >= {
        ("Internet gateway", "22", "Bastion"),
        ("Bastion", "22", "Private security group"),
    }
    assert not [arrow for arrow in told if arrow[:2] == ("Internet gateway", "443")]


def test_where_nobody_is_let_in_the_internet_is_only_reached(synth: Synthesizer) -> None:
    told = arrows(Drawing(synth("bastion", TAP_BASTION_SSH="false").document))
    assert ("Internet gateway", "", "Internet") in told
    assert not [arrow for arrow in told if arrow[0] == "Internet"]


def test_an_arrow_goes_when_its_rule_does(synth: Synthesizer) -> None:
    document = copy.deepcopy(synth.environment("dev", "tap").document)
    del document["resource"]["aws_vpc_security_group_ingress_rule"]
    picture = Picture(Stack(document))
    labels = [flow.label for flow in flows(picture)]
    assert "5432" not in labels
    assert "batches" in labels


@kept
def test_what_is_under_the_key_has_a_lock(synth: Synthesizer, stack: str) -> None:
    picture = drawn(synth, stack).picture
    for tile in picture.tiles.values():
        text = str([member.body for member in tile.members])
        assert tile.encrypted == ("aws_kms_key." in text and tile.head.type != "aws_kms_key")


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NatGateway1", "NAT gateway 1"),
        ("S3Endpoint", "S3 endpoint"),
        ("SecretsmanagerEndpoint", "Secrets Manager endpoint"),
        ("web-application", "Web application"),
    ],
)
def test_names_become_words(name: str, said: str) -> None:
    assert humanize(name) == said


def test_a_part_is_named_with_what_it_is_part_of() -> None:
    assert title_of("LoadBalancer/Logs") == "Load balancer logs"
    assert title_of("DataProcessing/Queue") == "Queue"


def test_counts_are_told_by_type() -> None:
    assert counted("aws_wafv2_web_acl", 1) == "WAF web ACL"
    assert counted("aws_config_config_rule", 25) == "25 × Config rule"


def reference_document(body: dict[str, Any]) -> dict[str, Any]:
    def at(path: str) -> dict[str, Any]:
        return {"//": {"metadata": {"path": f"bench/{path}"}}}

    return {
        "//": {"metadata": {"stackName": "bench"}},
        "provider": {"aws": [{"region": "us-east-1", "default_tags": [{"tags": {}}]}]},
        "data": {"aws_kms_alias": {"Found": {"name": "${aws_sns_topic.B.name}"}}},
        "locals": {"held": "${data.aws_kms_alias.Found.arn}"},
        "resource": {"aws_sqs_queue": {"A": at("A") | body}, "aws_sns_topic": {"B": at("B")}},
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"name": "${aws_sns_topic.B.arn}"}, True),
        ({"policy": '{"Resource": "${aws_sns_topic.B.arn}/*"}'}, True),
        ({"name": "${jsondecode(local.held)}"}, True),
        ({"name": "aws_sns_topic.B"}, False),
        ({"depends_on": ["${aws_sns_topic.B}"]}, False),
    ],
)
def test_references_are_followed(body: dict[str, Any], found: bool) -> None:
    stack = Stack(reference_document(body))
    (queue,) = stack.of_type("aws_sqs_queue")
    assert [other.name for other in stack.references_of(queue)] == (["B"] if found else [])
