"""Rules about encryption at rest and in transit, and about secrets."""

from __future__ import annotations

import re
from typing import Any

from lib.rules.registry import Controls, Violations, rule
from lib.template import (
    Resource,
    Template,
    arguments_of,
    belonging,
    buckets,
    denies,
    listed,
    policies_of,
    some,
    strings,
)

# Arguments about another key than the one that encrypts the resource, with the reason.
OTHER_KEYS = {
    ("aws_rds_cluster", "master_user_secret_kms_key_id"): "RDS keeps no password for us",
    ("aws_db_instance", "master_user_secret_kms_key_id"): "RDS keeps no password for us",
    ("aws_rds_cluster", "performance_insights_kms_key_id"): "set at each instance",
    ("aws_lambda_function", "source_kms_key_arn"): "for packages that lie in S3",
    ("aws_lambda_event_source_mapping", "kms_key_arn"): "for filters, of which there are none",
    ("aws_sqs_queue", "kms_data_key_reuse_period_seconds"): "a time, not a key",
}
KEY = re.compile(r"\$\{aws_kms_key\.\w+\.arn\}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+")
# Policies of a load balancer under which a client speaks TLS 1.2 at least.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICY = re.compile(r"ELBSecurityPolicy-(?:TLS|TLS13|FS)-1-[23]-[\w-]+")
POSTGRES_FAMILY = re.compile(r"postgres[0-9]+")


@rule(
    why="Whoever gets hold of a disk, a copy or a backup reads what is not encrypted",
    remedy="Build it with the foundation's key, or name foundation.key.arn where AWS takes a key",
    enforced_by=(
        *(
            "lib.security.key.EncryptionKey",
            "lib.database.AuroraCluster",
            "lib.messaging.queue.Queue",
        ),
        *(
            "lib.database.PostgresInstance",
            "lib.monitoring.log_group.LogGroup",
            "lib.compute.fleet.Fleet",
        ),
    ),
    controls=Controls(
        cis=("2.3.1", "3.5", "3.6"),
        fsbp=("CloudTrail.2", "EC2.3", "RDS.3", "RDS.27", "SQS.1"),
        nist=("SC-12", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)"),
    ),
)
def require_encryption_at_rest(template: Template) -> Violations:
    """Every resource that can be encrypted is, under a key of ours."""
    for resource in template.resources():
        for argument in arguments_of(resource.type):
            if argument in ("storage_encrypted", "encrypted") and not resource.get(argument):
                yield f"{resource}: {argument} is not true"
            if "kms" not in argument or (resource.type, argument) in OTHER_KEYS:
                continue
            if not KEY.fullmatch(str(resource.get(argument, ""))):
                yield f"{resource}: {argument} {resource.get(argument)!r} is no key of ours"
        if resource.type == "aws_kms_key" and resource.get("enable_key_rotation") is not True:
            yield f"{resource}: the key is not rotated"
        if resource.get("type") == "SecureString" and not KEY.fullmatch(resource.get("key_id", "")):
            yield f"{resource}: key_id {resource.get('key_id')!r} is no key of ours"
        for where, volume in _volumes(resource):
            # Launch templates know these words, instances the values.
            if volume.get("encrypted") not in (True, "true"):
                yield f"{resource}: {where} is not encrypted"
            if not KEY.fullmatch(volume.get("kms_key_id", "")):
                yield f"{resource}: {where} kms_key_id {volume.get('kms_key_id')!r}"


def _volumes(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    """The volumes that come into being with an instance; an undescribed root volume is one too."""
    if resource.type == "aws_instance":
        found = [("root_block_device", one) for one in listed(resource.get("root_block_device"))]
        found = found or [("root_block_device", {})]
        return [
            *found,
            *(("ebs_block_device", o) for o in listed(resource.get("ebs_block_device"))),
        ]
    if resource.type == "aws_launch_template":
        mappings = listed(resource.get("block_device_mappings")) or [{}]
        return [("ebs", one) for mapping in mappings for one in listed(mapping.get("ebs")) or [{}]]
    return []


@rule(
    why="Objects are encrypted under the system's own key, whose policy says who may read them",
    remedy="Make buckets with SecureBucket, which takes the foundation's key",
    enforced_by=("lib.storage.bucket.SecureBucket", "lib.storage.access_logs.AccessLogsBucket"),
    controls=Controls(nist=("SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)")),
)
def require_bucket_encryption(template: Template) -> Violations:
    """Every bucket encrypts under our key; two may do with SSE-S3 by choice."""
    settings = template.settings
    for bucket in buckets(template):
        own = belonging(template, bucket, "aws_s3_bucket_server_side_encryption_configuration")
        rules = [rule for found in own for rule in found["rule"]]
        if len(rules) != 1:
            yield f"{bucket}: {len(rules)} rules of encryption"
            continue
        default = rules[0].get("apply_server_side_encryption_by_default", {})
        # The two places where SSE-S3 is a choice of whoever deploys.
        sse_s3 = (
            bucket.path == "AccessLogs" and settings.storage.access_logs_encryption == "s3"
        ) or (template.stack == "state" and not settings.terraform_state_kms_key_arn)
        if sse_s3 and default == {"sse_algorithm": "AES256"}:
            continue
        if default.get("sse_algorithm") != "aws:kms" or not KEY.fullmatch(
            default.get("kms_master_key_id", "")
        ):
            yield f"{bucket}: encrypted by {default}"


@rule(
    why="What is overwritten or deleted can be had back, and no ACL says who may read it",
    remedy="Make buckets with SecureBucket",
    enforced_by=("lib.storage.bucket.SecureBucket",),
    controls=Controls(fsbp=("S3.12",), nist=("AC-3", "AC-6", "CP-9", "CP-10", "SI-12", "SI-13(5)")),
)
def require_bucket_versioning_and_ownership(template: Template) -> Violations:
    """Every bucket keeps versions and knows no ACLs."""
    for bucket in buckets(template):
        for type_, argument, expected in (
            ("aws_s3_bucket_versioning", "versioning_configuration", {"status": "Enabled"}),
            (
                "aws_s3_bucket_ownership_controls",
                "rule",
                {"object_ownership": "BucketOwnerEnforced"},
            ),
        ):
            if [r.get(argument) for r in belonging(template, bucket, type_)] != [expected]:
                yield f"{bucket}: no {type_} with {expected}"


@rule(
    why="Whoever stands between reads and alters what travels in plain text",
    remedy="Build buckets, queues, topics, databases and listeners with the constructs of lib/",
    enforced_by=(
        *(
            "lib.storage.bucket.SecureBucket",
            "lib.messaging.queue.Queue",
            "lib.monitoring.notifications.AlarmTopic",
        ),
        *("lib.database.AuroraCluster", "lib.database.PostgresInstance"),
        *("lib.compute.load_balancer.LoadBalancer", "lib.api.link.ApiLink"),
    ),
    controls=Controls(
        cis=("2.1.1",),
        fsbp=("ELB.1", "ELB.17", "RDS.38", "S3.5"),
        nist=("AC-17(2)", "SC-8", "SC-8(1)", "SC-8(2)", "SC-23", "SI-7(6)"),
    ),
)
def require_tls(template: Template) -> Violations:
    """Whatever listens refuses plain text and old TLS."""
    for bucket in buckets(template):
        everything = {bucket.ref("arn"), bucket.ref("arn") + "/*"}
        statements = policies_of(template, bucket, "aws_s3_bucket_policy", "bucket")
        for condition in (
            {"Bool": {"aws:SecureTransport": "false"}},
            {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        ):
            if not any(denies(s, condition, "s3:*", everything) for s in statements):
                yield f"{bucket}: its policy does not deny under {condition}"
    for type_, argument, action in (
        ("aws_sns_topic", "arn", "sns:Publish"),
        ("aws_sqs_queue", "queue_url", "sqs:*"),
    ):
        for one in some(template, type_):
            statements = policies_of(template, one, f"{type_}_policy", argument)
            condition = {"Bool": {"aws:SecureTransport": "false"}}
            if not any(denies(s, condition, action, {one.ref("arn")}) for s in statements):
                yield f"{one}: its policy does not deny plain HTTP"
    yield from _databases_over_plain_text(template)
    for listener in some(template, "aws_lb_listener"):
        if fault := _listens_in_plain_text(template, listener):
            yield f"{listener}: {fault}"
    for integration in some(template, "aws_api_gateway_integration"):
        if integration.get("uri") and not integration["uri"].startswith("https://"):
            yield f"{integration}: calls {integration['uri']}"


def _databases_over_plain_text(template: Template) -> Violations:
    groups = {
        "aws_rds_cluster_parameter_group": some(template, "aws_rds_cluster_parameter_group"),
        "aws_db_parameter_group": [
            one
            for one in some(template, "aws_db_parameter_group")
            # That of an Aurora instance does not know the parameter; its cluster's does.
            if POSTGRES_FAMILY.fullmatch(one["family"])
        ],
    }
    for group in [one for found in groups.values() for one in found]:
        parameters = {row["name"]: row["value"] for row in listed(group.get("parameter"))}
        if parameters.get("rds.force_ssl") != "1":
            yield f"{group}: rds.force_ssl is not 1"
    sound = {
        one.ref(attribute)
        for one in groups["aws_db_parameter_group"]
        for attribute in ("name", "id")
    }
    for instance in some(template, "aws_db_instance"):
        if instance.get("parameter_group_name") not in sound:
            yield f"{instance}: parameter group {instance.get('parameter_group_name')!r}"


def _listens_in_plain_text(template: Template, listener: Resource) -> str:
    """What is wrong with a listener, or nothing."""
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
    # Bytes handed on as they are, to the load balancer that ends their TLS.
    handed_on = {
        one.ref("arn")
        for one in some(template, "aws_lb_target_group")
        if (one.get("target_type"), one.get("port")) == ("alb", 443)
    }
    if protocol == "TCP" and all(one.get("target_group_arn") in handed_on for one in actions):
        return ""
    return f"{protocol} without TLS"


@rule(
    why="Whoever reads the state, or a plan, reads every secret that lies there in plain text",
    remedy="Hand the secret over by a write-only argument (`..._wo`), as DatabaseSecret does",
    enforced_by=("lib.database.DatabaseSecret", "lib.compute.parameters.Parameters"),
    controls=Controls(nist=("IA-5(7)", "SC-12", "SC-28")),
    suppressible=False,
)
def no_secrets_in_state(template: Template) -> Violations:
    """No secret is written to the state, to an output or into plain arguments."""
    document = template.document
    local = [name for name, value in document.get("locals", {}).items() if "ephemeral." in value]
    secrets = "|".join([r"ephemeral\.\w+", *(rf"local\.{name}" for name in local)])
    ephemeral = re.compile(rf"\b(?:{secrets})\b")
    for resource in template.resources():
        for argument, value in strings(resource.body):
            if not ephemeral.search(value):
                continue
            if not argument.endswith("_wo") or argument not in arguments_of(resource.type):
                yield f"{resource}: {argument} would keep a secret"
        for argument in ("password", "master_password", "secret_string", "secret_binary"):
            if argument in resource.body:
                yield f"{resource}: {argument} lies in the state"
        if resource.get("type") == "SecureString":
            for argument in {"value", "insecure_value"} & set(resource.body):
                yield f"{resource}: {argument} lies in the state"
        if resource.type in ("random_password", "random_string", "tls_private_key"):
            yield f"{resource}: its result lies in the state"
    for type_ in ("aws_secretsmanager_secret_version", "aws_secretsmanager_random_password"):
        for name in document.get("data", {}).get(type_, {}):
            yield f"data.{type_}.{name}: its value lies in the state"
    for name, output in document.get("output", {}).items():
        if ephemeral.search(str(output["value"])):
            yield f"output.{name}: shows a secret"
