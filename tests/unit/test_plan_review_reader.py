"""Plans of any project are read; a document that is no plan gives one error."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plan_documents import allow, change, document, plan, policy, synthesized
from tools.errors import ToolError
from tools.plan_review import Level, evaluate, read, report, review
from tools.plan_review.model import Action
from tools.plan_review.reader import to_action
from tools.plan_review.values import UNKNOWN


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["no-op"], Action.NONE),
        (["read"], Action.READ),
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["forget"], Action.FORGET),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["create", "forget"], Action.REPLACE),
    ],
)
def test_actions_of_terraform(names: list[str], expected: Action) -> None:
    assert to_action(names) is expected


@pytest.mark.parametrize(
    ("document", "received"),
    [
        ({}, "format_version '' instead of 1.x"),
        ({"format_version": "2.0"}, "format_version '2.0' instead of 1.x"),
        ({"format_version": None}, "format_version '' instead of 1.x"),
        ({"format_version": "1.2", "errored": True}, "the plan of a run that failed"),
        ({"format_version": "1.0", "values": {}}, "a state instead of a plan"),
        ({"format_version": "1.2"}, "a document without the parts of a plan"),
        (
            {
                "resource_changes": [
                    {"address": "a.b", "type": "a", "name": "b", "change": {"actions": ["other"]}}
                ]
            },
            "the unknown actions ['other'] of a.b",
        ),
        ({"resource_changes": {}}, "an object at `resource_changes` instead of a list"),
        ({"resource_changes": [1]}, "a number at `resource_changes[0]` instead of an object"),
        ({"resource_changes": [{}]}, "null at `resource_changes[0].address` instead of a text"),
        ({"output_changes": []}, "a list at `output_changes` instead of an object"),
        ({"prior_state": {"values": "x"}}, "a text at `prior_state.values` instead of an object"),
    ],
)
def test_a_document_that_is_no_plan_is_one_error(document: dict[str, Any], received: str) -> None:
    with pytest.raises(ToolError) as caught:
        read({"format_version": "1.2"} | document if document else {}, name="unit")
    message = str(caught.value)
    assert message.startswith(f"plan unit: received {received}") or received in message
    assert "accepted: the output of `terraform show -json` for a plan" in message


def test_a_resource_that_left_the_code_is_named_by_its_id() -> None:
    removed = change("aws_s3_bucket", {"id": "a"}, None, name="Storage_Data_0A1B2C3D")
    (found,) = plan(removed, source={"resource": {}}).changes
    assert (found.path, found.group) == ("unit/Storage/Data", "unit/Storage")


def test_data_sources_are_no_changes_and_deposed_objects_are() -> None:
    source = change("aws_ami", None, {"id": "a"}) | {"mode": "data"}
    deposed = change("aws_s3_bucket", {"id": "a"}, None) | {"deposed": "0a1b"}
    assert plan(source).changes == ()
    assert [one.action for one in plan(deposed).changes] == [Action.DELETE]


# ---- plans of other projects --------------------------------------------------------------------

MODULE = 'module.network["a.b"].module.group'


def in_module(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    address = f"{MODULE}.{entry['address']}"
    return entry | {"address": address, "module_address": MODULE} | more


def test_without_source_resources_are_named_by_their_full_address() -> None:
    bucket = in_module(change("aws_s3_bucket", {"id": "a"}, None, name="data"))
    topic = change("google_pubsub_topic", None, {"name": "a"}, name="events")
    result = review(document(bucket, topic))
    assert result.level is Level.STOP
    assert [(one.path, one.group) for one in result.changes] == [
        (f"{MODULE}.aws_s3_bucket.data", MODULE),
        ("google_pubsub_topic.events", "root module"),
    ]
    assert f"stateful resource destroyed (`{MODULE}.aws_s3_bucket.data`)" in report(result)


def test_resources_of_modules_are_named_by_their_address_with_a_source_too() -> None:
    bucket = in_module(change("aws_s3_bucket", {"id": "a"}, None, name="data"))
    (found,) = plan(bucket).changes
    assert found.path == f"{MODULE}.aws_s3_bucket.data"


def test_without_source_the_configuration_names_the_attributes_that_the_code_sets() -> None:
    entry = in_module(
        change("aws_sqs_queue", {"policy": policy()}, {}, unknown={"policy": True, "url": True})
    )
    resource = {
        "address": "aws_sqs_queue.Thing_Resource",
        "expressions": {"policy": {"references": ["aws_sns_topic.a.arn"]}},
    }
    group = {"module": {"resources": [resource]}}
    root = {"module_calls": {"network": {"module": {"module_calls": {"group": group}}}}}
    (found,) = read(document(entry, configuration={"root_module": root})).changes
    assert found.configured == {"policy"}
    assert found.after["policy"] is UNKNOWN
    assert read(document(entry)).changes[0].configured == frozenset()


def test_the_name_of_a_plan_is_the_stack_of_its_source() -> None:
    source = synthesized() | {"//": {"metadata": {"stackName": "web"}}}
    assert read(document(), source).name == "web"
    assert read(document(), source, name="other").name == "other"
    assert read(document()).name == "plan"


# ---- damaged documents --------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
RULE = {"protocol": "tcp", "from_port": 1, "to_port": 2, "cidr_blocks": ["10.0.0.0/8"]}
COMPLETE = document(
    change("aws_iam_policy", {"policy": policy()}, {"policy": policy(allow("a:B", "*"))}),
    change("aws_security_group", {"ingress": [RULE]}, {"ingress": [], "tags": {"a": "b"}}),
    change("aws_instance", {"instance_type": "a.b"}, {"x": "y"}, unknown={"instance_type": True}),
    change("aws_db_instance", {"id": "a"}, {"id": "b"}, action="replace", replace_paths=[["id"]]),
    change("aws_route_table", {"route": [{"cidr_block": "::/0"}]}, {"route": []}),
    resource_drift=[
        change("aws_security_group", {"id": "a", "ingress": []}, {"id": "a", "ingress": [RULE]}),
        change("aws_iam_role", {"id": "a"}, {"id": "b", "inline_policy": [{"name": "a"}]}),
    ],
    output_changes={"o": {"actions": ["create"], "after": "x", "after_sensitive": True}},
    prior_state={
        "values": {
            "outputs": {"o": {"value": "x", "sensitive": True}},
            "root_module": {
                "child_modules": [
                    {
                        "resources": [
                            {
                                "address": "aws_iam_role_policy.a",
                                "mode": "managed",
                                "type": "aws_iam_role_policy",
                                "values": {"role": "a", "name": "b"},
                                "sensitive_values": {},
                            }
                        ]
                    }
                ]
            },
        }
    },
    configuration={
        "root_module": {
            "variables": {"v": {"sensitive": True}},
            "resources": [{"address": "aws_x.a", "expressions": {"b": {}}}],
        }
    },
    variables={"v": {"value": "secret-value"}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside a document."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


PLACES = [place for place in places(COMPLETE) if place]


@settings(deadline=None, max_examples=75)
@given(st.sampled_from(PLACES), json_values)
def test_a_damaged_plan_is_reviewed_or_rejected(place: tuple[Any, ...], value: Any) -> None:
    damaged = copy.deepcopy(COMPLETE)
    inner = damaged
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    for source in (None, synthesized(*COMPLETE["resource_changes"])):
        with suppress(ToolError):
            report(evaluate([read(damaged, source)]))


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(places(synthesized(*COMPLETE["resource_changes"]))[1:]), json_values)
def test_a_damaged_source_is_used_or_rejected(place: tuple[Any, ...], value: Any) -> None:
    damaged: Any = synthesized(*COMPLETE["resource_changes"])
    inner = damaged
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with suppress(ToolError):
        report(evaluate([read(COMPLETE, damaged)]))


def test_a_deeply_nested_document_is_rejected() -> None:
    value: Any = "x"
    for _ in range(3000):
        value = {"a": value}
    with pytest.raises(ToolError, match="nested too deeply"):
        read(document(change("aws_x", None, {"a": 1})) | {"resource_changes": [nested(value)]})


def nested(value: Any) -> dict[str, Any]:
    entry = change("aws_x", None, {"a": 1})
    entry["change"]["after"]["a"] = value
    return entry
