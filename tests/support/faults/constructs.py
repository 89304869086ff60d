"""Faults in resources of single constructs: each removes what the construct sets.

They show that the constructs in `enforced_by` of the rules are what makes a stack comply.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.plants import add_statement, fault, setting
from tests.support.template import Resource, Template

QUEUE_POLICY = "DataProcessing/Queue/Policy"

# Databases.
setting("require_encryption_at_rest", "aws_db_instance", None, "storage_encrypted", None, "web")
setting("require_tls", "aws_db_parameter_group", None, "parameter", [], "web")
setting("no_public_access", "aws_db_instance", None, "publicly_accessible", None, "web")
setting("resources_are_destroyable", "aws_db_instance", None, "skip_final_snapshot", None, "web")
setting("require_encryption_at_rest", "aws_secretsmanager_secret", None, "kms_key_id", None, "tap")
# Instances.
setting("require_imdsv2", "aws_instance", None, "metadata_options", None, "bastion")
setting("require_imdsv2", "aws_launch_template", None, "metadata_options", None, "web")
setting("require_encryption_at_rest", "aws_instance", None, "root_block_device", None, "bastion")
setting(
    "require_encryption_at_rest",
    "aws_launch_template",
    None,
    "block_device_mappings",
    None,
    "web",
)
setting(
    "no_public_access",
    "aws_launch_template",
    None,
    "network_interfaces",
    [{"associate_public_ip_address": None}],
    "web",
)
setting("require_tags", "aws_autoscaling_group", None, "tag", None, "web")
# Load balancers and the API.
setting("require_tls", "aws_lb_listener", "LoadBalancer/Http", "protocol", "TCP", "web")
setting("require_tls", "aws_lb_listener", "LoadBalancer/Https", "ssl_policy", None, "web")
setting("require_tls", "aws_lb_listener", "Api/Link/Listener", "protocol", "UDP", "web")
setting(
    "require_api_authorization",
    "aws_api_gateway_method",
    "Api/RootGet",
    "authorization",
    None,
    "web",
)
# Security groups.
setting(
    "restrict_ingress",
    "aws_vpc_security_group_ingress_rule",
    "Database/SecurityGroup/FromSecurityGroup5432",
    "referenced_security_group_id",
    None,
)
# Buckets.
setting("resources_are_destroyable", "aws_s3_bucket", "State", "force_destroy", None, "state")


@fault("no_anonymous_principals")
def queue_for_everyone(template: Template) -> Resource:
    queue = template.get("aws_sqs_queue", "DataProcessing/Queue").ref("arn")
    policy = template.get("aws_sqs_queue_policy", QUEUE_POLICY)
    return add_statement(policy, Principal="*", Action="sqs:SendMessage", Resource=queue)


@fault("no_anonymous_principals")
def key_for_every_account_through_a_service(template: Template) -> Resource:
    return add_statement(
        template.get("aws_kms_key"),
        Principal={"AWS": "*"},
        Action="kms:Decrypt",
        Resource="*",
        Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
    )


@fault("services_require_source_account")
def key_without_source_account(template: Template) -> Resource:
    key = template.get("aws_kms_key")
    document: dict[str, Any] = json.loads(key["policy"])
    for statement in document["Statement"]:
        if "Service" in statement["Principal"]:
            del statement["Condition"]
    key.body["policy"] = json.dumps(document)
    return key
