"""The policy gate plans the synthesized stacks, and tf-nag evaluates the plans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.policy import tf_nag
from tools.policy.plans import write_plans
from tools.policy.synthesis import synthesize


@pytest.mark.usefixtures("terraform_is_ready")
def test_tf_nag_finds_in_the_plan_what_the_json_does_not_state(tmp_path: Path) -> None:
    (template,) = synthesize(tmp_path, ["state"])
    file = tmp_path / "stacks" / "state" / "cdk.tf.json"
    before = file.read_text(encoding="utf-8")
    (plan,) = write_plans(tmp_path)
    assert file.read_text(encoding="utf-8") == before
    planned = json.loads(plan.read_text(encoding="utf-8"))
    addresses = {one["address"] for one in planned["resource_changes"]}
    assert {resource.address for resource in template.resources()} <= addresses
    assert tf_nag.evaluate([plan], [template]).findings == []

    # Without the suppression of the access log the result remains.
    bucket = template.resources("aws_s3_bucket")[0]
    bucket.body["//"]["suppressions"].pop("AwsSolutions-S1")
    (finding,) = tf_nag.evaluate([plan], [template]).findings
    assert (finding.path, finding.rule) == ("state/State", "AwsSolutions-S1")
