"""The apply fails in the emulator with texts that AWS rejects; the plan accepts them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lib.rules import findings
from lib.stacks import STACKS
from lib.synthesis import run_synthesis
from lib.template import Template
from tools.emulator import Emulator
from tools.terraform import TerraformError, Workspace

RULE_DESCRIPTION = "The API's requests to the application"
ACL_DESCRIPTION = "AWS's managed rules in front of the web application"
VISIBILITY = {
    "cloudwatch_metrics_enabled": False,
    "metric_name": "example",
    "sampled_requests_enabled": False,
}


def configuration(rule_description: str, acl_description: str) -> dict[str, Any]:
    """A security group rule and a web ACL with descriptions."""
    return {
        "provider": {"aws": {"region": "us-east-1"}},
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "resource": {
            "aws_security_group": {"example": {"name": "example", "description": "Example"}},
            "aws_vpc_security_group_egress_rule": {
                "example": {
                    "security_group_id": "${aws_security_group.example.id}",
                    "referenced_security_group_id": "${aws_security_group.example.id}",
                    "ip_protocol": "tcp",
                    "from_port": 443,
                    "to_port": 443,
                    "description": rule_description,
                }
            },
            "aws_wafv2_web_acl": {
                "example": {
                    "name": "example",
                    "scope": "REGIONAL",
                    "description": acl_description,
                    "default_action": {"allow": {}},
                    "visibility_config": VISIBILITY,
                }
            },
        },
    }


def test_apply_fails_with_operation_member_value_and_constraint(workspace: Workspace) -> None:
    file = workspace.folder / "main.tf.json"
    file.write_text(json.dumps(configuration(RULE_DESCRIPTION, ACL_DESCRIPTION)))
    workspace.init()
    assert workspace.plan() is not None
    with pytest.raises(TerraformError) as failed:
        workspace.apply()
    message = " ".join(str(failed.value).replace("│", " ").split())
    assert (
        "InvalidParameterValue: ec2.AuthorizeSecurityGroupEgress: 1 validation error detected:"
        f" Value '{RULE_DESCRIPTION}' at 'IpPermissions[0].UserIdGroupPairs[0].Description' failed"
        " to satisfy constraint: Member must be a security group rule description of letters,"
    ) in message
    assert (
        "wafv2.CreateWebACL: 1 validation error detected:"
        f" Value '{ACL_DESCRIPTION}' at 'Description' failed to satisfy constraint: Member must"
        " satisfy regular expression pattern: ^[\\w+=:#@/\\-,"
    ) in message
    accepted = configuration("Requests of the API to the application", "AWS managed rules")
    file.write_text(json.dumps(accepted))
    workspace.apply()
    # Both descriptions are updated in place.
    accepted = configuration("Requests to the application", "Managed rules of AWS")
    file.write_text(json.dumps(accepted))
    plan = str(workspace.plan())
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in plan
    workspace.destroy()


def restore_text(document: dict[str, Any], type_: str, now: str, before: str) -> str:
    """Replace the description of one resource in synthesized JSON; return its address."""
    (name,) = [
        name for name, body in document["resource"][type_].items() if body.get("description") == now
    ]
    document["resource"][type_][name]["description"] = before
    return f"{type_}.{name}"


def test_apply_of_the_web_stack_fails_with_the_two_texts_restored(
    workspace: Workspace, fresh_emulator: Emulator
) -> None:
    variables = {
        **fresh_emulator.environment(),
        **STACKS["web"].placeholders,
        "STACKS": "web",
        "ENVIRONMENT_SUFFIX": "texts",
        "TERRAFORM_STATE_BUCKET": "none",
    }
    out = workspace.folder / "cdktf.out"
    run_synthesis(out, variables)
    web = Workspace(out / "stacks" / "web", variables)
    file = web.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    # A local state: the bucket does not exist.
    del document["terraform"]["backend"]
    restored = (
        restore_text(
            document,
            "aws_vpc_security_group_egress_rule",
            "Requests of the API to the application",
            RULE_DESCRIPTION,
        ),
        restore_text(
            document,
            "aws_wafv2_web_acl",
            "AWS managed rules in front of the web application",
            ACL_DESCRIPTION,
        ),
    )
    assert {
        (found.address, found.rule) for found in findings(Template(document), severity="high")
    } == {(address, "require_accepted_text") for address in restored}
    file.write_text(json.dumps(document))
    web.init()
    targets = [f"-target={address}" for address in restored]
    with pytest.raises(TerraformError) as failed:
        web.apply(*targets)
    message = " ".join(str(failed.value).replace("│", " ").split())
    for operation, value, member in (
        (
            "ec2.AuthorizeSecurityGroupEgress",
            RULE_DESCRIPTION,
            "IpPermissions[0].UserIdGroupPairs[0].Description",
        ),
        ("wafv2.CreateWebACL", ACL_DESCRIPTION, "Description"),
    ):
        assert (
            f"{operation}: 1 validation error detected: Value '{value}' at '{member}' failed to"
            " satisfy constraint: Member must"
        ) in message
    web.destroy()


def test_web_page_of_another_site_receives_status_403(fresh_emulator: Emulator) -> None:
    client = fresh_emulator.client("s3")

    def add_origin(request: Any, **_: Any) -> None:
        request.headers["Origin"] = "https://example.com"

    client.meta.events.register("before-sign", add_origin)
    with pytest.raises(ClientError) as caught:
        client.list_buckets()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
