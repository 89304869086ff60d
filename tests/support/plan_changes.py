"""Changes for each rule of the plan review, and changes to which the rule must not apply."""

from __future__ import annotations

from typing import Any

from tests.support.plan_documents import allow, change, deny, policy

GROUP = {"name": "web", "ingress": [], "egress": []}
RULE = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443, "security_group_id": "sg-1"}
BLOCK = {
    "bucket": "one",
    "block_public_acls": True,
    "block_public_policy": True,
    "ignore_public_acls": True,
    "restrict_public_buckets": True,
}
INGRESS = "aws_vpc_security_group_ingress_rule"
EGRESS = "aws_vpc_security_group_egress_rule"
EVERYONE = {"Principal": "*"}
Entry = dict[str, Any]


def role_policy(before: list[Entry], after: list[Entry]) -> Entry:
    old, new = ({"policy": policy(*one)} for one in (before, after))
    return change("aws_iam_role_policy", old, new)


def bucket_policy(before: list[Entry], after: list[Entry]) -> Entry:
    old, new = ({"bucket": "one", "policy": policy(*one)} for one in (before, after))
    return change("aws_s3_bucket_policy", old, new)


def inline(direction: str, cidr: str) -> Entry:
    rule = {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": [cidr]}
    return GROUP | {direction: [rule]}


# The rule and the change; after "not", the rule must not apply.
CASES: list[tuple[str, Entry]] = [
    ("stateful-destroyed", change("aws_rds_cluster", {"id": "a"}, None)),
    ("stateful-destroyed", change("aws_secretsmanager_secret_version", {"id": "a"}, None)),
    ("not stateful-destroyed", change("aws_sns_topic", {"id": "a"}, None)),
    (
        "stateful-replaced",
        change("aws_s3_bucket", {"bucket": "a"}, {"bucket": "b"}, action="replace"),
    ),
    ("not stateful-replaced", change("aws_s3_bucket", {"bucket": "a"}, {"bucket": "b"})),
    (
        "other-provider",
        change(
            "google_compute_firewall",
            {"source_ranges": ["10.0.0.0/8"]},
            {"source_ranges": ["0.0.0.0/0"]},
        ),
    ),
    ("not other-provider", change("aws_sns_topic", {"name": "a"}, {"name": "b"})),
    ("public-ingress", change(INGRESS, None, RULE | {"cidr_ipv4": "0.0.0.0/0"})),
    ("public-ingress", change(INGRESS, None, RULE | {"cidr_ipv6": "::/0"})),
    # Half of the internet counts as the internet.
    ("public-ingress", change(INGRESS, None, RULE | {"cidr_ipv4": "128.0.0.0/1"})),
    ("public-ingress", change("aws_security_group", GROUP, inline("ingress", "0.0.0.0/0"))),
    ("public-ingress", change("aws_security_group", None, inline("ingress", "0.0.0.0/0"))),
    (
        "public-ingress",
        change(
            *("aws_network_acl_rule", None),
            {"egress": False, "rule_action": "allow", "protocol": "-1", "cidr_block": "0.0.0.0/0"},
        ),
    ),
    (
        "not public-ingress",
        change(
            *("aws_network_acl_rule", None),
            {"egress": False, "rule_action": "deny", "protocol": "-1", "cidr_block": "0.0.0.0/0"},
        ),
    ),
    ("not public-ingress", change(INGRESS, None, RULE | {"cidr_ipv4": "10.0.0.0/8"})),
    ("not public-ingress", change(EGRESS, None, RULE | {"cidr_ipv4": "0.0.0.0/0"})),
    ("not public-ingress", change("aws_security_group", GROUP, inline("egress", "0.0.0.0/0"))),
    ("not public-ingress", change(INGRESS, RULE | {"cidr_ipv4": "0.0.0.0/0"}, None)),
    # The range was public before; only the description changes.
    (
        "not public-ingress",
        change(
            INGRESS,
            RULE | {"cidr_ipv4": "0.0.0.0/0", "description": "a"},
            RULE | {"cidr_ipv4": "0.0.0.0/0", "description": "b"},
        ),
    ),
    (
        "public",
        change("aws_db_instance", {"publicly_accessible": False}, {"publicly_accessible": True}),
    ),
    (
        "public",
        change("aws_s3_bucket_public_access_block", BLOCK, BLOCK | {"block_public_acls": False}),
    ),
    ("public", change("aws_s3_bucket_public_access_block", BLOCK, None)),
    (
        "not public",
        change(
            *("aws_db_instance", {"publicly_accessible": True, "port": 1}),
            {"publicly_accessible": True, "port": 2},
        ),
    ),
    ("public", change("aws_s3_bucket_acl", {"acl": "private"}, {"acl": "public-read"})),
    ("public", bucket_policy([], [allow("s3:GetObject", "*", **EVERYONE)])),
    ("public", bucket_policy([], [allow("s3:GetObject", "*", Principal={"AWS": ["*"]})])),
    (
        "public",
        bucket_policy([], [allow("s3:*", "*", NotPrincipal={"AWS": "arn:aws:iam::1:root"})]),
    ),
    # These conditions restrict no principal.
    *(
        ("public", bucket_policy([], [allow("s3:GetObject", "*", **EVERYONE, Condition=condition)]))
        for condition in (
            {"Bool": {"aws:SecureTransport": "true"}},
            {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
            {"StringLike": {"aws:PrincipalArn": "*"}},
            {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}},
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}},
        )
    ),
    *(
        (
            "not public",
            bucket_policy([], [allow("s3:GetObject", "*", **EVERYONE, Condition=condition)]),
        )
        for condition in (
            {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
            {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
            {"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:123456789012:topic"}},
        )
    ),
    ("not public", bucket_policy([], [deny("s3:*", **EVERYONE)])),
    # The policy of an endpoint grants no access.
    (
        "not public",
        change("aws_vpc_endpoint", None, {"policy": policy(allow("s3:Get*", "*", **EVERYONE))}),
    ),
    (
        "public",
        change("aws_iam_role", None, {"assume_role_policy": policy(allow("sts:*", **EVERYONE))}),
    ),
    (
        "public",
        change("aws_lambda_permission", None, {"action": "lambda:Invoke", "principal": "*"}),
    ),
    (
        "not public",
        change(
            *("aws_lambda_permission", None),
            {"action": "lambda:Invoke", "principal": "*", "source_account": "123456789012"},
        ),
    ),
    ("wildcard-permissions", role_policy([], [allow("*", "*")])),
    ("wildcard-permissions", role_policy([], [allow("s3:*", "*")])),
    (
        "wildcard-permissions",
        role_policy([], [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]),
    ),
    (
        "wildcard-permissions",
        change(
            *("aws_iam_role_policy_attachment", None),
            {"role": "one", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
    ),
    ("not wildcard-permissions", role_policy([], [allow("s3:*", "arn:aws:s3:::one/*")])),
    ("not wildcard-permissions", role_policy([], [deny("*")])),
    ("not wildcard-permissions", role_policy([allow("*", "*")], [allow("*", "*"), deny("iam:*")])),
    # In a key policy, the resource `*` is the key.
    (
        "not wildcard-permissions",
        change(
            *("aws_kms_key", None),
            {"policy": policy(allow("kms:*", "*", Principal={"AWS": "arn:aws:iam::1:root"}))},
        ),
    ),
    ("key-disabled", change("aws_kms_key", {"is_enabled": True}, {"is_enabled": False})),
    ("encryption-disabled", change("aws_rds_cluster", None, {"storage_encrypted": False})),
    (
        "encryption-disabled",
        change(
            *("aws_db_instance", {"storage_encrypted": True}, {"storage_encrypted": False}),
            action="replace",
        ),
    ),
    (
        "encryption-disabled",
        change("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": ""}),
    ),
    (
        "encryption-disabled",
        change("aws_s3_bucket_server_side_encryption_configuration", {"bucket": "b"}, None),
    ),
    ("not encryption-disabled", change("aws_sns_topic", None, {"kms_master_key_id": None})),
    (
        "not encryption-disabled",
        change(
            *("aws_sqs_queue", {"kms_master_key_id": "k", "sqs_managed_sse_enabled": False}),
            {"kms_master_key_id": None, "sqs_managed_sse_enabled": True},
        ),
    ),
    ("access-widened", change(INGRESS, None, RULE | {"cidr_ipv4": "10.0.0.0/16"})),
    (
        "access-widened",
        change(
            INGRESS,
            RULE | {"cidr_ipv4": "10.0.0.0/16"},
            RULE | {"cidr_ipv4": "10.0.0.0/16", "to_port": 450},
        ),
    ),
    (
        "access-widened",
        change("aws_route", None, {"destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}),
    ),
    ("access-widened", role_policy([allow("s3:Get*", "*")], [allow(["s3:Get*", "s3:Put*"], "*")])),
    (
        "access-widened",
        role_policy([allow("s3:Get*", "a"), deny("s3:*", "b")], [allow("s3:Get*", "a")]),
    ),
    (
        "access-widened",
        role_policy(
            [allow("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})],
            [allow("s3:GetObject", "*")],
        ),
    ),
    (
        "access-widened",
        change("aws_iam_role", {"permissions_boundary": "arn"}, {"permissions_boundary": None}),
    ),
    (
        "access-widened",
        change("aws_subnet", {"map_public_ip_on_launch": False}, {"map_public_ip_on_launch": True}),
    ),
    ("not access-widened", role_policy([allow("s3:*", "a")], [allow("s3:GetObject", "a")])),
    ("access-changed", role_policy([allow("s3:*", "a")], [allow("s3:GetObject", "a")])),
    (
        "access-changed",
        change("aws_iam_role_policy_attachment", {"role": "a", "policy_arn": "arn:one"}, None),
    ),
    ("access-changed", change("aws_iam_user", None, {"name": "a"})),
    (
        "access-changed",
        change("aws_iam_role", {"max_session_duration": 1}, {"max_session_duration": 2}),
    ),
    (
        "access-unknown",
        change("aws_iam_policy", {"policy": policy()}, {}, unknown={"policy": True}),
    ),
    ("access-unknown", change("aws_security_group", GROUP, {}, unknown={"ingress": True})),
    ("not access-unknown", change("aws_security_group", None, {}, unknown={"ingress": True})),
    ("replaced", change("aws_lambda_function", {"id": "a"}, {"id": "b"}, action="replace")),
    ("destroyed", change("aws_sns_topic", {"id": "a"}, None)),
    ("forgotten", change("aws_s3_bucket", {"id": "a"}, None, action="forget")),
    ("not stateful-destroyed", change("aws_s3_bucket", {"id": "a"}, None, action="forget")),
    (
        "protection-reduced",
        change("aws_cloudwatch_log_group", {"retention_in_days": 90}, {"retention_in_days": 7}),
    ),
    (
        "protection-reduced",
        change(
            *("aws_s3_bucket_versioning", {"versioning_configuration": [{"status": "Enabled"}]}),
            {"versioning_configuration": [{"status": "Suspended"}]},
        ),
    ),
    (
        "protection-reduced",
        change("aws_cloudtrail", {"enable_logging": True}, {"enable_logging": False}),
    ),
    ("protection-reduced", change("aws_flow_log", {"id": "fl-1"}, None)),
    (
        "not protection-reduced",
        change("aws_cloudwatch_log_group", {"retention_in_days": 7}, {"retention_in_days": 90}),
    ),
    (
        "secret-changed",
        change("aws_rds_cluster", {"master_password": "one-one"}, {"master_password": "two-two"}),
    ),
    (
        "secret-changed",
        change(
            *("aws_rds_cluster", {"master_password_wo_version": 1}),
            {"master_password_wo_version": 2},
        ),
    ),
    (
        "secret-changed",
        change(
            *("aws_secretsmanager_secret_version", {"secret_string": "one-one"}),
            {"secret_string": "two-two"},
            action="replace",
            replace_paths=[["secret_string"]],
        ),
    ),
    (
        "cost-increased",
        change("aws_instance", {"instance_type": "t3.micro"}, {"instance_type": "t3.large"}),
    ),
    (
        "cost-increased",
        change("aws_instance", {"instance_type": "t3.micro"}, {"instance_type": "m7i.micro"}),
    ),
    ("cost-increased", change("aws_nat_gateway", None, {"subnet_id": "one"})),
    ("cost-increased", change("aws_vpc_endpoint", None, {"vpc_endpoint_type": "Interface"})),
    ("not cost-increased", change("aws_vpc_endpoint", None, {"vpc_endpoint_type": "Gateway"})),
    ("cost-increased", change("aws_db_instance", {"multi_az": False}, {"multi_az": True})),
    ("cost-increased", change("aws_autoscaling_group", {"min_size": 2}, {"min_size": 4})),
    (
        "cost-increased",
        change(
            *("aws_rds_cluster_instance", {"monitoring_interval": 60}),
            {"monitoring_interval": 1},
        ),
    ),
    (
        "cost-decreased",
        change("aws_instance", {"instance_type": "t3.large"}, {"instance_type": "t3.micro"}),
    ),
    ("cost-decreased", change("aws_nat_gateway", {"id": "nat-1"}, None)),
    ("access-narrowed", change(INGRESS, RULE | {"cidr_ipv4": "10.0.0.0/16"}, None)),
    (
        "access-narrowed",
        change(INGRESS, RULE | {"cidr_ipv4": "10.0.0.0/16"}, RULE | {"cidr_ipv4": "10.0.1.0/24"}),
    ),
    ("access-narrowed", bucket_policy([], [deny("s3:*", **EVERYONE)])),
]
