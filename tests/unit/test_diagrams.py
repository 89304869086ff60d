"""The diagrams contain every resource and the arrows between them."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lib.stacks import STACKS, Actor
from tests.support.diagrams import SVG, diagram_of, draw, parsed, texts_of
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tools.diagrams import Diagram
from tools.diagrams.cli import command
from tools.diagrams.contents import Contents
from tools.diagrams.flows import actors, flows
from tools.diagrams.kinds import FAMILIES, counted, humanize, title_of
from tools.diagrams.model import StackModel

each_stack = pytest.mark.parametrize("stack", STACKS)


def titles(diagram: Diagram) -> dict[str, str]:
    items = {item.key: item.title for item in diagram.contents.items()}
    return items | {actor.key: actor.title for actor in diagram.actors}


def arrows(diagram: Diagram) -> set[tuple[str, str, str]]:
    by_key = titles(diagram)
    return {
        (by_key[flow.source], flow.label, by_key[flow.target])
        for flow in (route.flow for route in diagram.routes)
    }


@each_stack
def test_order_of_resources_does_not_change_the_diagram(synth: Synthesizer, stack: str) -> None:
    template = synth.environment("dev", stack).copy()
    template.document["resource"] = {
        type_: dict(reversed(by_name.items()))
        for type_, by_name in reversed(template.document["resource"].items())
    }
    assert draw(template).svg() == diagram_of(synth, stack).svg()


# ---- completeness --------------------------------------------------------------------------------


@each_stack
def test_every_resource_is_a_member_of_one_drawn_box(synth: Synthesizer, stack: str) -> None:
    blocks = synth.environment("dev", stack).document["resource"]
    expected = Counter(f"{type_}.{name}" for type_, by_name in blocks.items() for name in by_name)
    diagram = diagram_of(synth, stack)
    items = diagram.contents.items()
    assert Counter(member.address for item in items for member in item.members) == expected
    drawn = diagram.layout.boxes.keys() | diagram.layout.frames.keys()
    assert {item.key for item in items} <= drawn


@each_stack
def test_legend_counts_every_resource(synth: Synthesizer, stack: str) -> None:
    texts = texts_of(stack)
    total = len(diagram_of(synth, stack).contents.stack.resources)
    assert any(text.endswith(f"Stack {stack}, {total} resources") for text in texts)
    names = "|".join(family.name for family in FAMILIES.values())
    counted_by_family = [re.fullmatch(rf"(?:{names}): (\d+)", text) for text in texts]
    assert sum(int(match[1]) for match in counted_by_family if match) == total
    by_type = [part for text in texts for part in text.split("  ·  ")]
    for type_, count in Counter(
        r.type for r in diagram_of(synth, stack).contents.stack.resources
    ).items():
        assert counted(type_, count) in by_type


@each_stack
def test_file_contains_every_tile_with_its_resources(synth: Synthesizer, stack: str) -> None:
    tooltips = {element.text for element in parsed(stack).iter(f"{SVG}title")}
    for item in diagram_of(synth, stack).contents.items():
        types = Counter(member.type for member in item.members)
        resources = ", ".join(counted(*each) for each in sorted(types.items()))
        assert f"{item.title}: {resources}" in tooltips
    for tile in diagram_of(synth, stack).contents.tiles.values():
        assert {tile.title, tile.subtitle} <= {*texts_of(stack)}


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
        ("web", "aws_lb_listener.Api_Link", "Link load balancer"),
        ("web", "aws_eip.Network_NatAddress1", "NAT gateway 1"),
        ("web", "aws_route.Network_PrivateRoute1", "Private subnet  10.0.10.0/24"),
        ("web", "aws_route_table.Network_IsolatedRoutes2", "Isolated subnet  10.0.21.0/24"),
        ("web", "aws_db_subnet_group.Network", "Database"),
        ("bastion", "aws_iam_role_policy.Bastion", "Bastion"),
    ],
)
def test_part_belongs_to_the_tile_of_its_owner(
    synth: Synthesizer, stack: str, address: str, title: str
) -> None:
    owners = {
        item.title
        for item in diagram_of(synth, stack).contents.items()
        for member in item.members
        if member.address.startswith(address)
    }
    assert owners == {title}


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("aws_dax_cluster", r"aws_dax_cluster\.New \(New\): .* without a tile.* Add a row"),
        ("aws_s3_bucket_policy", r"aws_s3_bucket_policy\.New \(New\): .*KINDS"),
    ],
)
def test_resource_without_a_tile_raises_error(synth: Synthesizer, type_: str, message: str) -> None:
    template = synth.environment("dev", "state").copy()
    new = {"New": {"//": {"metadata": {"path": "state/New"}}}}
    template.document["resource"].setdefault(type_, {}).update(new)
    with pytest.raises(ValueError, match=message):
        draw(template)


def test_resource_type_without_a_family_raises_error(synth: Synthesizer) -> None:
    template = synth.environment("dev", "state").copy()
    part = {"//": {"metadata": {"path": "state/State/Cluster"}}}
    template.document["resource"]["aws_dax_cluster"] = {"New": part}
    with pytest.raises(ValueError, match=r"aws_dax_cluster: .*without a family.*PREFIXES"):
        draw(template)


# ---- arrows --------------------------------------------------------------------------------------


def test_tap_diagram_contains_the_data_path(synth: Synthesizer) -> None:
    diagram = diagram_of(synth, "tap")
    assert diagram.contents.vpc
    assert arrows(diagram) >= {
        ("Test runs", "results", "Data"),
        ("Data", "incoming/", "Queue"),
        ("Queue", "5 failures", "DLQ"),
        ("Queue", "batches", "Data processing"),
        ("Data processing", "443", "S3 endpoint"),
        ("S3 endpoint", "", "Data"),
        ("Secrets Manager endpoint", "", "Database secret"),
        ("Data processing", "5432", "Database"),
        ("Trail", "", "Audit"),
        ("Metric filters", "", "Alarms"),
        ("Alarms", "", "Topic"),
        (diagram.contents.vpc.title, "", "Flow logs"),
    }


def test_web_diagram_contains_both_entry_points(synth: Synthesizer) -> None:
    assert arrows(diagram_of(synth, "web")) >= {
        ("Internet", "", "Internet gateway"),
        ("Internet gateway", "80, 443", "Load balancer"),
        ("Load balancer", "80", "Auto Scaling group"),
        ("Auto Scaling group", "5432", "Database"),
        ("Auto Scaling group", "", "Data"),
        ("Auto Scaling group", "", "Parameters"),
        ("API clients", "", "API"),
        ("API", "VPC link", "Link load balancer"),
        ("Link load balancer", "443", "Load balancer"),
        ("Firewall", "protects", "API"),
        ("Firewall", "protects", "Load balancer"),
        ("NAT gateway 1", "", "Internet gateway"),
    }


def test_bastion_diagram_contains_the_path_to_private_instances(synth: Synthesizer) -> None:
    found = arrows(diagram_of(synth, "bastion"))
    assert found >= {
        ("Internet gateway", "22", "Bastion"),
        ("Bastion", "22", "Private security group"),
    }
    assert not [arrow for arrow in found if arrow[:2] == ("Internet gateway", "443")]


def test_stack_without_ingress_has_an_arrow_to_the_internet_only(synth: Synthesizer) -> None:
    found = arrows(draw(synth("bastion", TAP_BASTION_SSH="false")))
    assert ("Internet gateway", "", "Internet") in found
    assert not [arrow for arrow in found if arrow[0] == "Internet"]


def test_arrow_disappears_with_its_security_group_rule(synth: Synthesizer) -> None:
    template = synth.environment("dev", "tap").copy()
    del template.document["resource"]["aws_vpc_security_group_ingress_rule"]
    contents = Contents(StackModel(template))
    labels = [flow.label for flow in flows(contents, [])]
    assert "5432" not in labels
    assert "batches" in labels


@each_stack
def test_encrypted_resources_have_a_lock(synth: Synthesizer, stack: str) -> None:
    contents = diagram_of(synth, stack).contents
    for tile in contents.tiles.values():
        text = str([member.body for member in tile.members])
        assert tile.encrypted == ("aws_kms_key." in text and tile.head.type != "aws_kms_key")


# ---- titles --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("NatGateway1", "NAT gateway 1"),
        ("S3Endpoint", "S3 endpoint"),
        ("SecretsmanagerEndpoint", "Secrets Manager endpoint"),
        ("web-application", "Web application"),
    ],
)
def test_names_are_converted_to_words(name: str, title: str) -> None:
    assert humanize(name) == title


def test_titles_of_parts_contain_their_parent() -> None:
    assert title_of("LoadBalancer/Logs") == "Load balancer logs"
    assert title_of("DataProcessing/Queue") == "Queue"
    assert title_of("DeadLetters") == "DLQ"


def test_counts_contain_the_type() -> None:
    assert counted("aws_wafv2_web_acl", 1) == "WAF web ACL"
    assert counted("aws_config_config_rule", 25) == "25 × Config rule"


def reference_template(synth: Synthesizer, body: dict[str, Any]) -> Template:
    """A stack with a queue, the arguments of which are given, and a topic."""
    template = synth.environment("dev", "state").copy()

    def at(path: str) -> dict[str, Any]:
        return {"//": {"metadata": {"path": f"state/{path}"}}}

    template.document |= {
        "data": {"aws_kms_alias": {"Found": {"name": "${aws_sns_topic.B.name}"}}},
        "locals": {"alias": "${data.aws_kms_alias.Found.arn}"},
        "resource": {"aws_sqs_queue": {"A": at("A") | body}, "aws_sns_topic": {"B": at("B")}},
    }
    return template


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"name": "${aws_sns_topic.B.arn}"}, True),
        ({"policy": '{"Resource": "${aws_sns_topic.B.arn}/*"}'}, True),
        ({"name": "${jsondecode(local.alias)}"}, True),
        ({"name": "aws_sns_topic.B"}, False),
        ({"depends_on": ["${aws_sns_topic.B}"]}, False),
    ],
)
def test_references_are_resolved_through_data_sources_and_locals(
    synth: Synthesizer, body: dict[str, Any], found: bool
) -> None:
    stack = StackModel(reference_template(synth, body))
    (queue,) = stack.of_type("aws_sqs_queue")
    assert [other.name for other in stack.references_of(queue)] == (["B"] if found else [])


# ---- headings and actors -------------------------------------------------------------------------


def test_heading_without_an_entry_consists_of_the_tags(synth: Synthesizer) -> None:
    diagram = Diagram(synth.environment("dev", "state"))
    assert diagram.heading == (
        "Test automation platform",
        "Takes in test results and answers about them",
    )
    assert diagram.actors == []
    assert diagram_of(synth, "state").heading[0] == STACKS["state"].title


def test_actor_with_an_unknown_target_raises_error(synth: Synthesizer) -> None:
    contents = diagram_of(synth, "tap").contents
    spec = dataclasses.replace(STACKS["tap"], actor=Actor("Users", target="Absent"))
    message = r"actor of the stack tap: received the target 'Absent'; accepted: .*Data, .*stacks.py"
    with pytest.raises(ValueError, match=message):
        actors(contents, spec)


# ---- command -------------------------------------------------------------------------------------


def test_command_writes_changed_diagrams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"tap": "<svg>new</svg>\n", "web": "<svg/>\n"}
    drawn: list[tuple[str, ...]] = []

    def draw_stacks(names: Iterable[str]) -> dict[str, str]:
        drawn.append(tuple(names))
        return texts

    monkeypatch.setattr("tools.diagrams.cli.ROOT", tmp_path)
    monkeypatch.setattr("tools.diagrams.cli.FOLDER", tmp_path / "diagrams")
    monkeypatch.setattr("tools.diagrams.cli.draw_stacks", draw_stacks)
    (tmp_path / "diagrams").mkdir()
    (tmp_path / "diagrams" / "web.svg").write_text("<svg/>\n")
    result = CliRunner().invoke(command, ["tap", "web"])
    assert (result.exit_code, drawn) == (0, [("tap", "web")])
    assert result.output.splitlines() == [
        "diagrams/tap.svg: written",
        "diagrams/web.svg: unchanged",
    ]
    assert (tmp_path / "diagrams" / "tap.svg").read_text() == texts["tap"]
    assert CliRunner().invoke(command, []).exit_code == 0
    assert drawn[1] == tuple(STACKS)
    assert CliRunner().invoke(command, ["absent"]).exit_code == 2
