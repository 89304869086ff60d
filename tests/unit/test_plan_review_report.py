"""The report: its first line, what is folded, and that it fits without saying less than it does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plan_documents import allow, change, plan, policy, reviewed, synthesized
from tools.plan_review import COMMENT_LIMIT, Level, report, review
from tools.plan_review.comparing import LONGEST_SHOWN, differences, same, shown
from tools.plan_review.markdown import block, code, plain, table
from tools.plan_review.noise import COMPUTED_ONLY, TAGS_ONLY, WRITING_ONLY


def first(text: str) -> str:
    return text.partition("\n")[0]


# ---- the first line -----------------------------------------------------------------------------


def test_nothing_is_one_line() -> None:
    text = report(reviewed(change("aws_x", {"a": 1}, {"a": 1}, action="no-op")))
    assert text == "🟢 **safe**: nothing changes in `unit`\n\n<!-- plan-review -->\n"


def test_outputs_alone_are_told() -> None:
    told = {"o": {"actions": ["update"], "before": "a", "after": "b"}}
    text = report(reviewed(output_changes=told))
    assert first(text) == "🟢 **safe**: nothing changes in `unit` but 1 output"


def test_safe_changes_are_counted() -> None:
    topic = change("aws_sns_topic", None, {"name": "a"})
    assert first(report(reviewed(topic))) == (
        "🟢 **safe**: 1 created in `unit`; nothing is destroyed, opened, weakened or made dearer"
    )


def test_the_gravest_come_first_with_their_constructs() -> None:
    gone = [change("aws_s3_bucket", {"id": str(n)}, None, name=f"B{n}") for n in range(5)]
    grown = change("aws_instance", {"instance_type": "a.small"}, {"instance_type": "a.large"})
    text = report(reviewed(grown, *gone))
    assert first(text) == (
        "🔴 **stop**: what holds data is destroyed (`unit/B0`, `unit/B1`, `unit/B2` and 2 more)"
    )
    assert "Also to look at: costs more (`unit/Thing`)" in text


def test_what_forces_a_replacement_is_shown() -> None:
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
    assert "database `aws_rds_cluster` | **replaced**" in text


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("replace_because_tainted", "it is tainted"),
        ("delete_because_no_resource_config", "it is no longer in the code"),
        ("something_new", "| – |"),
    ],
)
def test_terraforms_reason_is_told(reason: str, told: str) -> None:
    gone = change("aws_s3_bucket", {"id": "a"}, None, action_reason=reason)
    assert told in report(reviewed(gone))


# ---- noise --------------------------------------------------------------------------------------

LISTS = ({"l": [{"a": 1}, {"b": 2}]}, {"l": [{"b": 2}, {"a": 1}]})
PACKAGE = {"filename": "one.zip", "source_code_hash": "same"}


@pytest.mark.parametrize(
    ("before", "after", "unknown", "kind"),
    [
        ({"tags": {"a": "b"}}, {"tags": {"a": "c"}}, {}, TAGS_ONLY),
        ({"tags_all": {}}, {}, {"tags_all": True}, TAGS_ONLY),
        (*LISTS, {}, WRITING_ONLY),
        ({"p": '{"a": [1, 2]}'}, {"p": '{"a":[2,1]}'}, {}, WRITING_ONLY),
        (
            {"p": policy(allow("s3:*", "x"))},
            {"p": policy(allow(["s3:*"], ["x"]))},
            {},
            WRITING_ONLY,
        ),
        ({"description": None}, {"description": ""}, {}, WRITING_ONLY),
        ({"last_modified": "a"}, {}, {"last_modified": True}, COMPUTED_ONLY),
        ({"arn": "a", "etag": "1"}, {"etag": "2"}, {"arn": True}, COMPUTED_ONLY),
        (PACKAGE, PACKAGE | {"filename": "two.zip"}, {}, COMPUTED_ONLY),
    ],
)
def test_known_noise_is_folded_and_counted(
    before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any], kind: str
) -> None:
    entry = change("aws_x", before, after, unknown=unknown)
    judged = reviewed(entry)
    assert [found for found, _ in judged.folded] == [kind]
    text = report(judged)
    assert first(text).endswith("but known noise (1 resource)")
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
def test_what_is_more_than_noise_is_none(
    before: dict[str, Any], after: dict[str, Any], unknown: dict[str, Any]
) -> None:
    assert reviewed(change("aws_x", before, after, unknown=unknown)).folded == []


def test_what_the_code_sets_is_no_noise_for_not_being_known() -> None:
    entry = change("aws_x", {"a": "b", "c": "d"}, {}, unknown={"a": True, "c": True})
    document = synthesized(entry, Thing_Resource={"a": "${aws_y.Z.id}"})
    judged = reviewed(entry, document=document)
    assert judged.folded == []
    text = report(judged)
    assert "a: b → ${aws_y.Z.id}" in text
    assert "c: d" not in text


# ---- what is shown ------------------------------------------------------------------------------


def test_the_rest_is_counted_by_construct_and_listed_in_folds() -> None:
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


def test_references_are_shown_by_their_construct() -> None:
    rule = {"ip_protocol": "tcp", "from_port": 1, "to_port": 1}
    kind = "aws_vpc_security_group_ingress_rule"
    entry = change(kind, None, rule, unknown={"referenced_security_group_id": True})
    code_ = {"referenced_security_group_id": "${aws_security_group.Web_Group_0A1B2C3D.id}"}
    document = synthesized(entry, Thing_Resource=code_)
    assert "+ ingress tcp 1 from {Web_Group.id}" in report(reviewed(entry, document=document))


def test_references_are_resolved_where_the_plan_knows_them() -> None:
    kept = change(
        "aws_s3_bucket", {"arn": "arn:kept"}, {"arn": "arn:kept"}, action="no-op", name="B"
    )
    before = {"policy": policy(allow("s3:Get*", "arn:kept"))}
    entry = change("aws_iam_policy", before, {}, unknown={"policy": True})
    code_ = {"policy": policy(allow(["s3:Get*", "s3:Put*"], "${aws_s3_bucket.B.arn}"))}
    text = report(reviewed(kept, entry, document=synthesized(kept, entry, Thing_Resource=code_)))
    assert "    on arn:kept" in text
    assert "+   s3:Put*" in text


def test_long_texts_are_counted_not_cut() -> None:
    assert shown("x" * LONGEST_SHOWN) == "x" * LONGEST_SHOWN
    assert shown("x" * 2000) == "(2,000 characters)"
    assert shown("two\nlines") == "(9 characters)"
    assert [shown(value) for value in (None, "", [], True, 1.5, {"a": None, "b": [1]})] == [
        *("none", "none", "none", "true", "1.5", '{"b": [1]}')
    ]


def test_of_lists_the_elements_that_came_and_went_are_shown() -> None:
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
def test_two_values_are_the_same_if_nothing_differs(before: Any, after: Any) -> None:
    assert same(before, after) == (list(differences(before, after)) == [])
    assert same(before, before)
    assert same(before, after) == same(after, before)


# ---- Markdown -----------------------------------------------------------------------------------


def test_nothing_in_a_name_becomes_markdown() -> None:
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a") == "`` `a ``"
    assert block(["+ ```", "x"]).startswith("````diff")
    assert plain("<b> @all #1 [x](y) **z**") == r"&lt;b&gt; \@all \#1 \[x\](y) \*\*z\*\*"
    assert table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"


def test_a_hostile_plan_stays_within_its_fences() -> None:
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
def test_a_long_report_fits_and_counts_what_it_leaves_out(number: int) -> None:
    judged = reviewed(*large(number))
    full, text = report(judged, limit=None), report(judged)
    assert len(text.encode()) <= COMMENT_LIMIT
    assert first(text) == first(full)
    if full == text:
        return
    assert "Shortened to fit; what is left out is counted." in text
    destroyed = text.count("bucket `aws_s3_bucket`")
    left = re.search(r"… and [\d,]+ more: what holds data is destroyed \(([\d,]+)\)", text)
    assert destroyed + (int(left[1].replace(",", "")) if left else 0) == number
    assert f"Known noise: tags only ({number:,})" in text


@settings(max_examples=25, deadline=None)
@given(st.integers(200, 30_000))
def test_any_limit_is_kept(limit: int) -> None:
    judged = reviewed(*large(6, width=4))
    text = report(judged, limit=limit)
    assert len(text.encode()) <= max(limit, 200)
    assert text.startswith("🔴 **stop**")


def test_lines_left_out_of_an_entry_are_counted() -> None:
    entry = change(
        *("aws_iam_role_policy", {"policy": policy()}),
        {"policy": policy(allow([f"a:B{n}" for n in range(500)], "x"))},
    )
    text = report(reviewed(entry), limit=2000)
    kept = len(re.findall(r"^\+ ", text, re.MULTILINE))
    left = re.search(r"… (\d+) more lines", text)
    assert left
    assert kept + int(left[1]) == 502


def test_several_stacks_are_one_report() -> None:
    text = report(review([plan(), plan(change("aws_kms_key", {"id": "a"}, None))]))
    assert text.count("| `unit` |") == 2
    assert reviewed().level is Level.SAFE
