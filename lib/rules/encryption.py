"""Rules about encryption at rest and in transit, and about secrets."""

from __future__ import annotations

import re
from typing import Any

from lib.iam_policy import Statement
from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, arguments_of, listed, strings

# Arguments about another key than the one that encrypts the resource, with the reason.
OTHER_KEYS = {
    ("aws_rds_cluster", "master_user_secret_kms_key_id"): "RDS does not manage the password",
    ("aws_db_instance", "master_user_secret_kms_key_id"): "RDS does not manage the password",
    ("aws_rds_cluster", "performance_insights_kms_key_id"): "set at each instance",
    ("aws_lambda_function", "source_kms_key_arn"): "for packages in S3",
    ("aws_lambda_event_source_mapping", "kms_key_arn"): "for filter criteria",
    ("aws_sqs_queue", "kms_data_key_reuse_period_seconds"): "a period of time",
}
KEY = re.compile(r"\$\{aws_kms_key\.\w+\.arn\}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+")
# Security policies of a load balancer that accept TLS 1.2 and later.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICY = re.compile(r"ELBSecurityPolicy-(?:TLS|TLS13|FS)-1-[23]-[\w-]+")
POSTGRES_FAMILY = re.compile(r"postgres[0-9]+")


@rule(
    why="Data that is not encrypted can be read from disks, copies and backups",
    remedy="Set the KMS key argument to context.key.arn, and the encryption argument to true",
    enforced_by=(
        "lib.security.key.EncryptionKey",
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
        "lib.database.secret.DatabaseSecret",
        "lib.messaging.queue.Queue",
        "lib.monitoring.log_group.LogGroup",
        "lib.monitoring.notifications.AlarmTopic",
        "lib.monitoring.trail.Trail",
        "lib.compute.web_servers.WebServers",
        "lib.compute.bastion.Bastion",
    ),
    controls=Controls(
        cis=("2.3.1", "3.5", "3.6"),
        fsbp=("CloudTrail.2", "EC2.3", "RDS.3", "RDS.27", "SQS.1"),
        nist=("SC-12", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)"),
    ),
)
def require_encryption_at_rest(template: Template) -> Violations:
    """Every resource that supports it is encrypted with a customer managed key."""
    for resource in template.resources():
        yield from _unencrypted_arguments(resource)
        if resource.type == "aws_kms_key" and resource.get("enable_key_rotation") is not True:
            yield f"{resource}: the key is not rotated"
        if resource.get("type") == "SecureString" and not KEY.fullmatch(resource.get("key_id", "")):
            yield f"{resource}: key_id {resource.get('key_id')!r} is not such a key"
        for argument, volume in _volumes(resource):
            # Launch templates contain strings, instances booleans.
            if volume.get("encrypted") not in (True, "true"):
                yield f"{resource}: {argument} is not encrypted"
            if not KEY.fullmatch(volume.get("kms_key_id", "")):
                yield f"{resource}: {argument} kms_key_id {volume.get('kms_key_id')!r}"


def _unencrypted_arguments(resource: Resource) -> Violations:
    for argument in arguments_of(resource.type):
        if argument in ("storage_encrypted", "encrypted") and not resource.get(argument):
            yield f"{resource}: {argument} is not true"
        if "kms" not in argument or (resource.type, argument) in OTHER_KEYS:
            continue
        # Lambda does not store the key of a function that has no variables to encrypt.
        if resource.type == "aws_lambda_function" and not resource.get("environment"):
            continue
        if not KEY.fullmatch(str(resource.get(argument, ""))):
            yield f"{resource}: {argument} {resource.get(argument)!r} is not such a key"


def _volumes(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    """The volumes that are created with an instance, a root volume without a block included."""
    if resource.type == "aws_instance":
        roots = listed(resource.get("root_block_device")) or [{}]
        others = listed(resource.get("ebs_block_device"))
        return [
            *(("root_block_device", one) for one in roots),
            *(("ebs_block_device", one) for one in others),
        ]
    if resource.type == "aws_launch_template":
        mappings = listed(resource.get("block_device_mappings")) or [{}]
        return [("ebs", one) for mapping in mappings for one in listed(mapping.get("ebs")) or [{}]]
    return []


@rule(
    why="The key policy of a customer managed key controls who can read the objects",
    remedy="Create buckets with SecureBucket",
    enforced_by=("lib.storage.bucket.SecureBucket",),
    controls=Controls(nist=("SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)")),
)
def require_bucket_encryption(template: Template) -> Violations:
    """Every bucket is encrypted with a customer managed key."""
    for bucket in template.resources("aws_s3_bucket"):
        own = template.bucket_resources(
            bucket, "aws_s3_bucket_server_side_encryption_configuration"
        )
        rules = [rule for found in own for rule in listed(found["rule"])]
        if len(rules) != 1:
            yield f"{bucket}: {len(rules)} encryption rules"
            continue
        default = rules[0].get("apply_server_side_encryption_by_default", {})
        if default.get("sse_algorithm") != "aws:kms" or not KEY.fullmatch(
            default.get("kms_master_key_id", "")
        ):
            yield f"{bucket}: encrypted with {default}"


@rule(
    why="Without versions, objects that are overwritten or deleted are lost; ACLs bypass policies",
    remedy="Create buckets with SecureBucket",
    enforced_by=("lib.storage.bucket.SecureBucket",),
    controls=Controls(fsbp=("S3.12",), nist=("AC-3", "AC-6", "CP-9", "CP-10", "SI-12", "SI-13(5)")),
)
def require_bucket_versioning_and_ownership(template: Template) -> Violations:
    """Every bucket has versioning, and ACLs are disabled."""
    for bucket in template.resources("aws_s3_bucket"):
        for type_, argument, expected in (
            ("aws_s3_bucket_versioning", "versioning_configuration", {"status": "Enabled"}),
            (
                "aws_s3_bucket_ownership_controls",
                "rule",
                {"object_ownership": "BucketOwnerEnforced"},
            ),
        ):
            found = [one.get(argument) for one in template.bucket_resources(bucket, type_)]
            if found != [expected]:
                yield f"{bucket}: no {type_} with {expected}"


@rule(
    why="Data in plain text can be read and changed between sender and receiver",
    remedy="Create buckets, queues, topics, databases and listeners with the constructs of lib/",
    enforced_by=(
        "lib.storage.bucket.SecureBucket",
        "lib.messaging.queue.Queue",
        "lib.monitoring.notifications.AlarmTopic",
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
        "lib.compute.load_balancer.LoadBalancer",
        "lib.api.link.ApiLink",
    ),
    controls=Controls(
        cis=("2.1.1",),
        fsbp=("ELB.1", "ELB.17", "RDS.38", "S3.5"),
        nist=("AC-17(2)", "SC-8", "SC-8(1)", "SC-8(2)", "SC-23", "SI-7(6)"),
    ),
)
def require_tls(template: Template) -> Violations:
    """Buckets, queues, topics, databases and listeners accept TLS 1.2 and later only."""
    yield from _policies_without_tls(template)
    yield from _databases_without_tls(template)
    for listener in template.resources("aws_lb_listener"):
        if fault := _listener_without_tls(template, listener):
            yield f"{listener}: {fault}"
    for integration in template.resources("aws_api_gateway_integration"):
        if integration.get("uri") and not integration["uri"].startswith("https://"):
            yield f"{integration}: calls {integration['uri']}"


def _policies_without_tls(template: Template) -> Violations:
    """Buckets, topics and queues whose policies do not deny plain HTTP or old TLS."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    for bucket in template.resources("aws_s3_bucket"):
        statements = template.statements_of(bucket, "aws_s3_bucket_policy", "bucket")
        objects = (bucket.ref("arn"), bucket.ref("arn") + "/*")
        for conditions in (plain, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}):
            if not _denies(statements, "s3:*", objects, conditions):
                yield f"{bucket}: its policy does not deny requests with {conditions}"
    for type_, argument, action in (
        ("aws_sns_topic", "arn", "sns:Publish"),
        ("aws_sqs_queue", "queue_url", "sqs:*"),
    ):
        for one in template.resources(type_):
            statements = template.statements_of(one, f"{type_}_policy", argument)
            if not _denies(statements, action, (one.ref("arn"),), plain):
                yield f"{one}: its policy does not deny plain HTTP"


def _denies(
    statements: list[Statement],
    action: str,
    resources: tuple[str, ...],
    conditions: dict[str, dict[str, str]],
) -> bool:
    """Whether one of the statements denies everyone an action under conditions."""
    required = Statement(
        effect="Deny",
        principals="*",
        actions=(action,),
        resources=resources,
        conditions=conditions,
    )
    return any(statement.covers(required) for statement in statements)


def _databases_without_tls(template: Template) -> Violations:
    groups = {
        "aws_rds_cluster_parameter_group": template.resources("aws_rds_cluster_parameter_group"),
        "aws_db_parameter_group": [
            one
            for one in template.resources("aws_db_parameter_group")
            # The parameter group of an Aurora instance has no such parameter; its cluster's has.
            if POSTGRES_FAMILY.fullmatch(one["family"])
        ],
    }
    for group in [one for found in groups.values() for one in found]:
        parameters = {row["name"]: row["value"] for row in listed(group.get("parameter"))}
        if parameters.get("rds.force_ssl") != "1":
            yield f"{group}: rds.force_ssl is not 1"
    references = {
        one.ref(attribute)
        for one in groups["aws_db_parameter_group"]
        for attribute in ("name", "id")
    }
    for instance in template.resources("aws_db_instance"):
        if instance.get("parameter_group_name") not in references:
            yield f"{instance}: parameter group {instance.get('parameter_group_name')!r}"


def _listener_without_tls(template: Template, listener: Resource) -> str:
    """Why a listener accepts plain text or old TLS; empty if it does not."""
    protocol, actions = listener.get("protocol", "HTTP"), listed(listener["default_action"])
    if protocol in ("HTTPS", "TLS"):
        policy = listener.get("ssl_policy", "none")
        return "" if TLS_POLICY.fullmatch(policy) else f"TLS policy {policy!r}"
    redirects = [one.get("redirect", {}) for one in actions]
    if (
        protocol == "HTTP"
        and redirects
        and all(
            (r.get("protocol"), r.get("status_code"), r.get("port")) == ("HTTPS", "HTTP_301", "443")
            for r in redirects
        )
    ):
        return ""
    # A network load balancer forwards to the load balancer that terminates TLS.
    forwarding = {
        one.ref("arn")
        for one in template.resources("aws_lb_target_group")
        if (one.get("target_type"), one.get("port")) == ("alb", 443)
    }
    if protocol == "TCP" and all(one.get("target_group_arn") in forwarding for one in actions):
        return ""
    return f"{protocol} without TLS"


@rule(
    why="State and plan files contain values in plain text",
    remedy="Pass the secret by a write-only argument (`..._wo`), as DatabaseSecret does",
    enforced_by=("lib.database.secret.DatabaseSecret",),
    controls=Controls(nist=("IA-5(7)", "SC-12", "SC-28")),
    suppressible=False,
)
def no_secrets_in_state(template: Template) -> Violations:
    """No secret is in the state, in an output or in an argument that is not write-only."""
    ephemeral = _ephemeral_references(template)
    for resource in template.resources():
        for argument, value in strings(resource.body):
            write_only = argument.endswith("_wo") and argument in arguments_of(resource.type)
            if ephemeral.search(value) and not write_only:
                yield f"{resource}: {argument} refers to a secret and is not write-only"
        yield from _stored_secrets(resource)
    for type_ in ("aws_secretsmanager_secret_version", "aws_secretsmanager_random_password"):
        for data_source in template.data_sources(type_):
            yield f"{data_source}: its value is stored in the state"
    for name, output in template.document.get("output", {}).items():
        if ephemeral.search(str(output["value"])):
            yield f"output.{name}: contains a secret"


def _ephemeral_references(template: Template) -> re.Pattern[str]:
    """References to values of ephemeral resources, directly or by a local value."""
    values = template.document.get("locals", {})
    local = [name for name, value in values.items() if "ephemeral." in value]
    secrets = "|".join([r"ephemeral\.\w+", *(rf"local\.{name}" for name in local)])
    return re.compile(rf"\b(?:{secrets})\b")


def _stored_secrets(resource: Resource) -> Violations:
    """Arguments that the state stores in plain text."""
    for argument in ("password", "master_password", "secret_string", "secret_binary"):
        if argument in resource.body:
            yield f"{resource}: {argument} is stored in the state"
    if resource.get("type") == "SecureString":
        for argument in {"value", "insecure_value"} & set(resource.body):
            yield f"{resource}: {argument} is stored in the state"
    if resource.type in ("random_password", "random_string", "tls_private_key"):
        yield f"{resource}: its result is stored in the state"
