"""The report: headline, sections, noise, escaping and the size limit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plan_documents import allow, change, plan, policy, reviewed, synthesized
from tools.plan_review import COMMENT_LIMIT, Level, evaluate, report
from tools.plan_review.comparison import LONGEST_SHOWN, differences, equivalent, format_value
from tools.plan_review.markdown import block, code, plain, table
from tools.plan_review.noise import COMPUTED_ONLY, FORMAT_ONLY, TAGS_ONLY


def first(text: str) -> str:
    return text.partition("\n")[0]


# ---- the headline -------------------------------------------------------------------------------


def test_an_empty_plan_is_one_line() -> None:
    text = report(reviewed(change("aws_x", {"a": 1}, {"a": 1}, action="no-op")))
    assert text == "🟢 **safe**: nothing changes in `unit`\n\n<!-- plan-review -->\n"


def test_changed_outputs_are_in_the_headline() -> None:
    outputs = {"o": {"actions": ["update"], "before": "a", "after": "b"}}
    text = report(reviewed(output_changes=outputs))
    assert first(text) == "🟢 **safe**: no resource changes in `unit`, only 1 output"


def test_safe_changes_are_counted() -> None:
    topic = change("aws_sns_topic", None, {"name": "a"})
    assert first(report(reviewed(topic))) == (
        "🟢 **safe**: 1 created in `unit`; nothing is destroyed, no access is widened, no"
        " protection is reduced and no cost is increased"
    )


def test_the_headline_has_the_reasons_with_their_constructs() -> None:
    gone = [change("aws_s3_bucket", {"id": str(n)}, None, name=f"B{n}") for n in range(5)]
    grown = change("aws_instance", {"instance_type": "a.small"}, {"instance_type": "a.large"})
    text = report(reviewed(grown, *gone))
    assert first(text) == (
        "🔴 **stop**: stateful resource destroyed (`unit/B0`, `unit/B1`, `unit/B2` and 2 more)"
    )
    assert "Also review: cost increased (`unit/Thing`)" in text


def test_attributes_that_force_a_replacement_are_shown() -> None:
    entry = change(
        *("aws_rds_cluster", {"engine_mode": "provisioned"}, {"engine_mode": "serverless"}),
        action="replace",
        replace_paths=[["engine_mode"], ["tags", "x"], ["list", 0, "inner"]],
        action_reason="replace_because_cannot_update",
    )
    text = report(reviewed(entry))
    assert "forced by `engine_mode: provisioned → serverless`" in text
    assert "`tags.x: none → none`" in text
    assert "`list[0].inner: none → none`" in text
    assert "database `aws_rds_cluster` | **stateful resource replaced**" in text


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("replace_because_tainted", "the resource is tainted"),
        ("delete_because_no_resource_config", "the resource is no longer in the code"),
        ("something_new", "| – |"),
    ],
)
def test_the_reason_of_terraform_is_shown(reason: str, shown: str) -> None:
    gone = change("aws_s3_bucket", {"id": "a"}, None, action_reason=reason)
    assert shown in report(reviewed(gone))


# ---- noise --------------------------------------------------------------------------------------

LISTS = ({"l": [{"a": 1}, {"b": 2}]}, {"l": [{"b": 2}, {"a": 1}]})
PACKAGE = {"filename": "one.zip", "source_code_hash": "same"}


@pytest.mark.parametrize(
    ("before", "after", "unknown", "kind"),
    [
        ({"tags": {"a": "b"}}, {"tags": {"a": "c"}}, {}, TAGS_ONLY),
        ({"tags_all": {}}, {}, {"tags_all": True}, TAGS_ONLY),
        (*LISTS, {}, FORMAT_ONLY),
        ({"p": '{"a": [1, 2]}'}, {"p": '{"a":[2,1]}'}, {}, FORMAT_ONLY),
        (
            {"p": policy(allow("s3:*", "x"))},
            {"p": policy(allow(["s3:*"], ["x"]))},
            {},
            FORMAT_ONLY,
        ),
        ({"description": None}, {"description": ""}, {}, FORMAT_ONLY),
        ({"last_modified": "a"}, {}, {"last_modified": True}, COMPUTED_ONLY),
        ({"arn": "a", "etag": "1"}, {"etag": "2"}, {"arn": True}, COMPUTED_ONLY),
        (PACKAGE, PACKAGE | {"filename": "two.zip"}, {}, COMPUTED_ONLY),
    ],
)
def test_known_noise_is_collapsed_and_counted(
    before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any], kind: str
) -> None:
    entry = change("aws_x", before, after, unknown=unknown)
    result = reviewed(entry)
    assert [found for found, _ in result.noise] == [kind]
    text = report(result)
    assert first(text) == "🟢 **safe**: only known noise in `unit` (1 resource)"
    assert f"<details><summary>Known noise: {kind} (1)</summary>" in text


@pytest.mark.parametrize(
    ("before", "after", "unknown"),
    [
        ({"tags": {}, "a": 1}, {"tags": {"x": "y"}, "a": 2}, {}),
        (PACKAGE, PACKAGE | {"filename": "two.zip", "source_code_hash": "other"}, {}),
        ({"l": [{"a": 1}]}, {"l": [{"a": 1}, {"a": 1}]}, {}),
        ({"p": '{"a":1}'}, {"p": '{"a":2}'}, {}),
    ],
)
def test_other_differences_are_no_noise(
    before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any]
) -> None:
    assert reviewed(change("aws_x", before, after, unknown=unknown)).noise == []


def test_an_unknown_value_is_no_noise_if_the_code_sets_the_attribute() -> None:
    entry = change("aws_x", {"a": "b", "c": "d"}, {}, unknown={"a": True, "c": True})
    source = synthesized(entry, Thing_Resource={"a": "${aws_y.Z.id}"})
    result = reviewed(entry, source=source)
    assert result.noise == []
    text = report(result)
    assert "a: b → ${aws_y.Z.id}" in text
    assert "c: d" not in text


# ---- sections -----------------------------------------------------------------------------------


def test_other_changes_are_counted_by_construct_and_listed() -> None:
    entries = [
        change("aws_sns_topic", None, {"n": 1}, name="Alarms_One"),
        change(
            "aws_sns_topic", {"n": 1, "m": [{"k": 1}]}, {"n": 2, "m": [{"k": 2}]}, name="Alarms_Two"
        ),
        change("aws_sns_topic", None, {"n": 1}, name="Queue_One"),
    ]
    text = report(reviewed(*entries))
    assert "| `unit/Alarms` | 1 | 1 |  |  |" in text
    assert "| `unit/Queue` | 1 |  |  |  |" in text
    assert "  - `m.k: 1 → 2`" in text
    assert "- created `unit/Queue/One` `aws_sns_topic`" in text


def test_references_are_shortened_to_construct_and_attribute() -> None:
    rule = {"ip_protocol": "tcp", "from_port": 1, "to_port": 1}
    kind = "aws_vpc_security_group_ingress_rule"
    entry = change(kind, None, rule, unknown={"referenced_security_group_id": True})
    code_ = {"referenced_security_group_id": "${aws_security_group.Web_Group_0A1B2C3D.id}"}
    source = synthesized(entry, Thing_Resource=code_)
    assert "+ ingress tcp 1 from {Web_Group.id}" in report(reviewed(entry, source=source))


def test_references_are_replaced_by_values_of_the_plan() -> None:
    kept = change(
        "aws_s3_bucket", {"arn": "arn:kept"}, {"arn": "arn:kept"}, action="no-op", name="B"
    )
    before = {"policy": policy(allow("s3:Get*", "arn:kept"))}
    entry = change("aws_iam_policy", before, {}, unknown={"policy": True})
    code_ = {"policy": policy(allow(["s3:Get*", "s3:Put*"], "${aws_s3_bucket.B.arn}"))}
    text = report(reviewed(kept, entry, source=synthesized(kept, entry, Thing_Resource=code_)))
    assert "    on arn:kept" in text
    assert "+   s3:Put*" in text


def test_of_long_texts_the_length_is_shown() -> None:
    assert format_value("x" * LONGEST_SHOWN) == "x" * LONGEST_SHOWN
    assert format_value("x" * 2000) == "(2,000 characters)"
    assert format_value("two\nlines") == "(9 characters)"
    values: tuple[Any, ...] = (None, "", [], True, 1.5, {"a": None, "b": [1]})
    formatted = ["none", "none", "none", "true", "1.5", '{"b": [1]}']
    assert [format_value(value) for value in values] == formatted


def test_of_lists_the_removed_and_added_elements_are_shown() -> None:
    before = {"rules": [{"id": 1}, {"id": 2}, {"id": 3}]}
    after = {"rules": [{"id": 3}, {"id": 4}, {"id": 5}, {"id": 1}]}
    (found,) = differences(before, after)
    assert (found.path, found.before, found.after) == ("rules", [{"id": 2}], [{"id": 4}, {"id": 5}])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values, json_values)
def test_values_are_equivalent_if_they_have_no_difference(before: Any, after: Any) -> None:
    assert equivalent(before, after) == (list(differences(before, after)) == [])
    assert equivalent(before, before)
    assert equivalent(before, after) == equivalent(after, before)


# ---- Markdown -----------------------------------------------------------------------------------


def test_special_characters_are_escaped() -> None:
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a") == "`` `a ``"
    assert block(["+ ```", "x"]).startswith("````diff")
    assert plain("<b> @all #1 [x](y) **z**") == r"&lt;b&gt; \@all \#1 \[x\](y) \*\*z\*\*"
    assert table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"


def test_values_of_a_plan_cannot_add_markup() -> None:
    hostile = "</details>\n```\n# @everyone <img src=x> | `"
    entry = change("aws_sns_topic", {"name": "a"}, {"name": hostile})
    gone = change("aws_s3_bucket", {"name": "a"}, {"name": hostile}, action="replace", name="B")
    gone["change"]["replace_paths"] = [["name"]]
    grant = {"role": hostile.replace("\n", " "), "policy_arn": "arn:x"}
    attached = change("aws_iam_role_policy_attachment", None, grant, name="C")
    text = report(reviewed(entry, gone, attached), limit=None)
    outside = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+)[^\n]*?[^`\n]\1(?!`)", "", outside)
    assert "@everyone" not in outside
    assert "<img" not in outside


# ---- the limit ----------------------------------------------------------------------------------


def large(number: int, width: int = 1) -> list[dict[str, Any]]:
    entries = []
    for n in range(number):
        words = [f"service{m}:Action{n}" * width for m in range(20)]
        name = f"Construct{n % 40}_Part{n}"
        entries += [
            change("aws_iam_role_policy", None, {"policy": policy(allow(words, "x"))}, name=name),
            change("aws_s3_bucket", {"id": str(n)}, None, name=name),
            change("aws_instance", {"instance_type": "a.b"}, {"instance_type": "c.d"}, name=name),
            change("aws_sns_topic", {"n": n}, {"n": -n - 1}, name=name),
            change("aws_sqs_queue", {"tags": {}}, {"tags": {"n": str(n)}}, name=name),
        ]
    return entries


@pytest.mark.parametrize("number", [30, 300, 800])
def test_a_long_report_fits_and_counts_omitted_entries(number: int) -> None:
    result = reviewed(*large(number))
    full, text = report(result, limit=None), report(result)
    assert len(text.encode()) <= COMMENT_LIMIT
    assert first(text) == first(full)
    if full == text:
        return
    assert "Shortened to fit; omitted entries are counted." in text
    destroyed = text.count("bucket `aws_s3_bucket`")
    omitted = re.search(r"… and [\d,]+ more: stateful resource destroyed \(([\d,]+)\)", text)
    assert destroyed + (int(omitted[1].replace(",", "")) if omitted else 0) == number
    assert f"Known noise: tags only ({number:,})" in text


@settings(max_examples=25, deadline=None)
@given(st.integers(200, 30_000))
def test_any_limit_is_respected(limit: int) -> None:
    result = reviewed(*large(6, width=4))
    text = report(result, limit=limit)
    assert len(text.encode()) <= max(limit, 200)
    assert text.startswith("🔴 **stop**")


def test_omitted_lines_of_an_entry_are_counted() -> None:
    entry = change(
        *("aws_iam_role_policy", {"policy": policy()}),
        {"policy": policy(allow([f"a:B{n}" for n in range(500)], "x"))},
    )
    text = report(reviewed(entry), limit=2000)
    kept = len(re.findall(r"^\+ ", text, re.MULTILINE))
    omitted = re.search(r"… (\d+) more lines", text)
    assert omitted
    assert kept + int(omitted[1]) == 502


def test_several_plans_are_one_report() -> None:
    text = report(evaluate([plan(), plan(change("aws_kms_key", {"id": "a"}, None))]))
    assert text.count("| `unit` |") == 2
    assert reviewed().level is Level.SAFE
