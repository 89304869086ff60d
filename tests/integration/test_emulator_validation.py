"""The apply fails in the emulator with texts that AWS rejects; the plan accepts them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

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


def test_web_page_of_another_site_receives_status_403(fresh_emulator: Emulator) -> None:
    client = fresh_emulator.client("s3")

    def add_origin(request: Any, **_: Any) -> None:
        request.headers["Origin"] = "https://example.com"

    client.meta.events.register("before-sign", add_origin)
    with pytest.raises(ClientError) as caught:
        client.list_buckets()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
