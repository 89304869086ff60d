"""Faults in the platform stack."""

from __future__ import annotations

import json

from tests.support.plants import (
    add,
    add_statement,
    drop_statement,
    fault,
    remove,
    setting,
    suppress,
)
from tests.support.template import Resource, Template

QUEUE = "DataProcessing/Queue"
DEAD_LETTER_QUEUE = QUEUE + "/" + "DeadLetters"

setting("names_end_with_suffix", "aws_sns_topic", None, "name", "alarm-topic")
setting("names_end_with_suffix", "aws_lambda_function", None, "function_name", None)
setting("names_end_with_suffix", "aws_rds_cluster", None, "cluster_identifier", "unit")
setting("names_end_with_suffix", "aws_secretsmanager_secret", None, "name_prefix", "unit-secret")
setting("names_end_with_suffix", "aws_s3_bucket", "AccessLogs", "bucket", "access-logs-unitary")
setting("require_tags", "aws_flow_log", None, "tags", None)
setting("require_tags", "aws_vpc", None, "tags", {"Name": "vpc"})
setting("require_encryption_at_rest", "aws_rds_cluster", None, "storage_encrypted", False)
setting("require_encryption_at_rest", "aws_rds_cluster", None, "kms_key_id", None)
setting("require_encryption_at_rest", "aws_sns_topic", None, "kms_master_key_id", "alias/aws/sns")
setting("require_encryption_at_rest", "aws_sqs_queue", QUEUE, "kms_master_key_id", None)
setting("names_end_with_suffix", "aws_sqs_queue", QUEUE, "name", "results-queue")
setting("require_tags", "aws_sqs_queue", QUEUE, "tags", {"Name": "queue"})
setting("queues_have_dead_letter_queue", "aws_sqs_queue", QUEUE, "redrive_policy", None)
setting(
    "queues_have_dead_letter_queue",
    "aws_sqs_queue",
    DEAD_LETTER_QUEUE,
    "message_retention_seconds",
    345_600,
)
setting("require_encryption_at_rest", "aws_cloudtrail", None, "kms_key_id", None)
setting("require_encryption_at_rest", "aws_kms_key", None, "enable_key_rotation", False)
setting(
    "require_encryption_at_rest",
    "aws_cloudwatch_log_group",
    "DataProcessing/Logs",
    "kms_key_id",
    None,
)
setting(
    "restrict_egress",
    "aws_vpc_security_group_egress_rule",
    "DataProcessing/SecurityGroup/ToEndpoints443",
    "cidr_ipv4",
    "0.0.0.0/0",
)
setting("no_public_access", "aws_subnet", "Network/PrivateSubnet2", "map_public_ip_on_launch", 1)
setting(
    "no_public_access", "aws_rds_cluster_instance", "Database/Writer", "publicly_accessible", None
)
setting(
    "restrict_ingress",
    "aws_vpc_security_group_ingress_rule",
    "Network/Endpoints/FromSecurityGroup443",
    "cidr_ipv4",
    "0.0.0.0/0",
)
setting(
    "restrict_ingress",
    "aws_vpc_security_group_ingress_rule",
    "Database/SecurityGroup/FromSecurityGroup5432",
    "cidr_ipv6",
    "::/0",
)
setting(
    "restrict_egress",
    "aws_vpc_security_group_egress_rule",
    "DataProcessing/SecurityGroup/ToPrefixList443",
    "prefix_list_id",
    None,
)
setting(
    "restrict_ingress",
    "aws_default_security_group",
    None,
    "egress",
    [{"cidr_blocks": ["10.0.0.0/8"]}],
)
setting("resources_are_destroyable", "aws_rds_cluster", None, "deletion_protection", True)
setting("resources_are_destroyable", "aws_rds_cluster", None, "skip_final_snapshot", None)
setting("resources_are_destroyable", "aws_s3_bucket", "Monitoring/Audit", "force_destroy", None)
setting("resources_are_destroyable", "aws_kms_key", None, "lifecycle", {"prevent_destroy": True})
setting("resources_are_destroyable", "aws_s3_bucket", "AccessLogs", "object_lock_enabled", True)
setting(
    "resources_are_destroyable",
    "aws_cloudwatch_log_group",
    "Monitoring/Trail/Logs",
    "skip_destroy",
    True,
)
setting(
    "require_log_retention", "aws_cloudwatch_log_group", "Database/Logs", "retention_in_days", 30
)
setting(
    "require_log_retention", "aws_cloudwatch_log_group", "Database/Logs", "retention_in_days", None
)
setting("supported_provider_range", "aws_vpc", None, "region", "us-east-1")
setting("no_secrets_in_state", "aws_rds_cluster", None, "master_password", "hunter2")
setting("no_absolute_paths", "aws_lambda_function", None, "filename", "/home/user/package.zip")
setting("no_absolute_paths", "aws_lambda_function", None, "filename", "/builds/tap/package.zip")
setting("no_absolute_paths", "aws_lambda_function", None, "filename", "C:\\\\build\\\\a.zip")


@fault("require_tags")
def missing_default_tag(template: Template) -> str:
    del template.document["provider"]["aws"][0]["default_tags"][0]["tags"]["Component"]
    return "provider.aws"


@fault("require_tags")
def default_tag_of_another_environment(template: Template) -> str:
    template.document["provider"]["aws"][0]["default_tags"][0]["tags"]["Environment"] = "prod"
    return "provider.aws"


@fault("require_tags")
def taggable_type_without_tags(template: Template) -> Resource:
    return add(template, "aws_sqs_queue", {"name": "queue-unit"})


@fault("require_encryption_at_rest")
def additional_type_without_encryption(template: Template) -> Resource:
    return add(template, "aws_ebs_volume", {"size": 1})


@fault("names_end_with_suffix")
def additional_type_without_name(template: Template) -> Resource:
    return add(template, "aws_sqs_queue", {"tags": {}})


@fault("require_bucket_encryption")
def bucket_without_encryption(template: Template) -> Resource:
    encryption = "aws_s3_bucket_server_side_encryption_configuration"
    remove(template, encryption, "DataProcessing/Data/Encryption")
    return template.get("aws_s3_bucket", "DataProcessing/Data")


@fault("require_bucket_encryption")
def bucket_with_sse_s3(template: Template) -> Resource:
    encryption = "aws_s3_bucket_server_side_encryption_configuration"
    resource = template.get(encryption, "Network/FlowLogs/Encryption")
    rule = resource["rule"][0]
    rule["apply_server_side_encryption_by_default"] = {"sse_algorithm": "AES256"}
    return template.get("aws_s3_bucket", "Network/FlowLogs")


@fault("require_bucket_versioning_and_ownership")
def bucket_without_versions(template: Template) -> Resource:
    versioning = template.get("aws_s3_bucket_versioning", "Monitoring/Audit/Versioning")
    versioning["versioning_configuration"]["status"] = "Suspended"
    return template.get("aws_s3_bucket", "Monitoring/Audit")


@fault("require_bucket_versioning_and_ownership")
def bucket_with_acls(template: Template) -> Resource:
    remove(template, "aws_s3_bucket_ownership_controls", "AccessLogs/Ownership")
    return template.get("aws_s3_bucket", "AccessLogs")


@fault("require_tls")
def bucket_accepts_plain_http(template: Template) -> Resource:
    drop_statement(template.get("aws_s3_bucket_policy", "AccessLogs/Policy"), "DenyPlainHttp")
    return template.get("aws_s3_bucket", "AccessLogs")


@fault("require_tls")
def bucket_accepts_old_tls(template: Template) -> Resource:
    policy = template.get("aws_s3_bucket_policy", "Monitoring/Audit/Policy")
    policy.body["policy"] = policy["policy"].replace('"s3:TlsVersion":"1.2"', '"s3:Tls":"1.2"')
    return template.get("aws_s3_bucket", "Monitoring/Audit")


@fault("require_tls")
def objects_accept_plain_http(template: Template) -> Resource:
    policy = template.get("aws_s3_bucket_policy", "Network/FlowLogs/Policy")
    document = json.loads(policy["policy"])
    document["Statement"][0]["Resource"].pop()
    policy.body["policy"] = json.dumps(document)
    return template.get("aws_s3_bucket", "Network/FlowLogs")


@fault("require_tls")
def topic_accepts_plain_http(template: Template) -> Resource:
    drop_statement(template.get("aws_sns_topic_policy"), "DenyPlainHttp")
    return template.get("aws_sns_topic")


@fault("require_tls")
def cluster_accepts_plain_text(template: Template) -> Resource:
    group = template.get("aws_rds_cluster_parameter_group")
    next(row for row in group["parameter"] if row["name"] == "rds.force_ssl")["value"] = "0"
    return group


@fault("require_tls")
def queue_accepts_plain_http(template: Template) -> Resource:
    policy = template.get("aws_sqs_queue_policy", DEAD_LETTER_QUEUE + "Policy")
    policy.body["policy"] = policy["policy"].replace("sqs:*", "sqs:SendMessage")
    return template.get("aws_sqs_queue", DEAD_LETTER_QUEUE)


@fault("queues_have_dead_letter_queue")
def queue_with_few_receives(template: Template) -> Resource:
    queue = template.get("aws_sqs_queue", QUEUE)
    queue.body["redrive_policy"] = queue["redrive_policy"].replace(":5}", ":2}")
    return queue


@fault("queues_have_dead_letter_queue")
def queue_without_dead_letter_queue(template: Template) -> Resource:
    remove(template, "aws_sqs_queue", DEAD_LETTER_QUEUE)
    return template.get("aws_sqs_queue", QUEUE)


@fault("no_public_access")
def bucket_accepts_public_policies(template: Template) -> Resource:
    block = template.get("aws_s3_bucket_public_access_block", "AccessLogs/PublicAccessBlock")
    block.body["block_public_policy"] = False
    return template.get("aws_s3_bucket", "AccessLogs")


@fault("no_public_access")
def internet_gateway(template: Template) -> Resource:
    return add(template, "aws_internet_gateway", {"tags": {"Name": "gateway-unit"}})


@fault("restrict_egress")
def default_route_in_isolated_network(template: Template) -> Resource:
    return add(template, "aws_route", {"destination_cidr_block": "0.0.0.0/0"})


@fault("no_wildcard_permissions")
def role_with_a_wildcard(template: Template) -> Resource:
    role = template.get("aws_iam_role_policy", "DataProcessing/Role/Policy")
    return add_statement(role, Action="s3:Get*", Resource="*")


@fault("no_wildcard_permissions")
def role_with_not_action(template: Template) -> Resource:
    role = template.get("aws_iam_role_policy", "Monitoring/Config/Role/Policy")
    return add_statement(role, NotAction="iam:*", Resource="*")


@fault("no_wildcard_permissions")
def key_with_all_actions(template: Template) -> Resource:
    return add_statement(
        template.get("aws_kms_key"), Principal={"AWS": "1"}, Action="kms:*", Resource="*"
    )


@fault("no_wildcard_permissions")
def inline_policy_with_wildcard(template: Template) -> Resource:
    statement = {"Effect": "Allow", "Action": ["logs:*"], "Resource": ["*"]}
    role = template.get("aws_iam_role", "DataProcessing/Role")
    role.body["inline_policy"] = [{"policy": json.dumps({"Statement": [statement]})}]
    return role


@fault("no_anonymous_principals")
def bucket_for_everyone(template: Template) -> Resource:
    policy = template.get("aws_s3_bucket_policy", "DataProcessing/Data/Policy")
    return add_statement(policy, Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::b/*")


@fault("no_anonymous_principals")
def bucket_for_everyone_over_tls(template: Template) -> Resource:
    policy = template.get("aws_s3_bucket_policy", "DataProcessing/Data/Policy")
    return add_statement(
        policy,
        Principal={"AWS": ["*"]},
        Action="s3:GetObject",
        Resource="arn:aws:s3:::b/*",
        Condition={"Bool": {"aws:SecureTransport": "true"}},
    )


@fault("no_anonymous_principals")
def endpoint_with_not_principal(template: Template) -> Resource:
    return add_statement(
        template.get("aws_vpc_endpoint", "Network/S3Endpoint"),
        NotPrincipal={"AWS": "1"},
        Action="s3:GetObject",
        Resource="arn:aws:s3:::b/*",
    )


@fault("services_require_source_account")
def bucket_without_source_account(template: Template) -> Resource:
    policy = template.get("aws_s3_bucket_policy", "Monitoring/Audit/Policy")
    document = json.loads(policy["policy"])
    statement = next(s for s in document["Statement"] if s["Sid"] == "AWSConfigBucketDelivery")
    statement.pop("Condition")
    policy.body["policy"] = json.dumps(document)
    return policy


@fault("services_require_source_account")
def queue_with_another_source_account(template: Template) -> Resource:
    policy = template.get("aws_sqs_queue_policy", f"{QUEUE}/Policy")
    policy.body["policy"] = policy["policy"].replace(template.account_id, "210987654321")
    return policy


@fault("references_resolve")
def empty_depends_on(template: Template) -> Resource:
    function = template.get("aws_lambda_function")
    function.body["depends_on"] = []
    return function


@fault("references_resolve")
def dependency_on_missing_resource(template: Template) -> Resource:
    remove(template, "aws_cloudwatch_log_group", "Database/Logs")
    return template.get("aws_rds_cluster")


@fault("references_resolve")
def reference_to_missing_resource(template: Template) -> Resource:
    gone = template.get("aws_flow_log").ref("id")
    remove(template, "aws_flow_log", "Network/FlowLog")
    topic = template.get("aws_sns_topic")
    topic.body["display_name"] = gone
    return topic


@fault("suppressions_have_reasons")
def suppression_without_reason(template: Template) -> Resource:
    return suppress(template.get("aws_rds_cluster"), "CKV_AWS_139", "")


@fault("suppressions_have_reasons")
def suppression_of_unknown_check(template: Template) -> Resource:
    reason = "Every environment stays destroyable"
    return suppress(template.get("aws_rds_cluster"), "CKV_139", reason)


@fault("suppressions_have_reasons")
def suppression_without_effect(template: Template) -> Resource:
    reason = "It is in isolated subnets"
    return suppress(template.get("aws_rds_cluster"), "no_public_access", reason)


@fault("suppressions_have_reasons")
def suppression_of_mandatory_rule(template: Template) -> Resource:
    cluster = template.get("aws_rds_cluster")
    cluster.body["deletion_protection"] = True
    return suppress(cluster, "resources_are_destroyable", "This one must not be deleted")


@fault("resources_are_destroyable")
def object_lock(template: Template) -> Resource:
    return add(template, "aws_s3_bucket_object_lock_configuration", {"bucket": "b"})


@fault("no_absolute_paths")
def output_with_a_path(template: Template) -> str:
    template.document["output"]["vpc_id"]["value"] = "see /tmp/somewhere"
    return "output.vpc_id"


@fault("no_secrets_in_state")
def secret_in_stored_argument(template: Template) -> Resource:
    version = template.get("aws_secretsmanager_secret_version", "DatabaseSecret/Current")
    version.body["secret_string"] = version.body.pop("secret_string_wo")
    return version


@fault("no_secrets_in_state")
def secret_in_environment(template: Template) -> Resource:
    function = template.get("aws_lambda_function")
    (local,) = (name for name in template.document["locals"] if "secret_string" in name)
    function["environment"]["variables"]["PASSWORD"] = f"${{local.{local}}}"
    return function


@fault("no_secrets_in_state")
def secret_read_as_data(template: Template) -> str:
    template.document["data"]["aws_secretsmanager_secret_version"] = {"Planted": {}}
    return "data.aws_secretsmanager_secret_version.Planted"


@fault("no_secrets_in_state")
def password_resource(template: Template) -> Resource:
    body = {"length": 16, "//": {"metadata": {"path": "tap/Planted"}}}
    template.document["resource"]["random_password"] = {"Planted": body}
    return next(r for r in template.resources() if r.name == "Planted")
