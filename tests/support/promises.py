"""What every stack promises, each as a function that names the resources which break it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from lib.settings import LOG_RETENTION_DAYS
from tests.support.template import (
    Template,
    arguments_of,
    belonging,
    buckets,
    denies,
    listed,
    policies_of,
    some,
    statements,
    strings,
)

Offences = Iterator[str]
Promise = Callable[[Template], Offences]
PROMISES: dict[str, Promise] = {}

PROJECT = Path(__file__).resolve().parents[2]
# Arguments that hold a physical name, if not a reference to another resource's.
NAMES = re.compile(r"(?:\w+_)?(?:name|name_prefix|identifier|identifier_prefix)|bucket")
# Names of something else: a database, a metric, an AWS service, who signs in, a certificate.
NOT_NAMES = {"database_name", "metric_name", "service_name", "master_username", "target_id"}
# Where AWS or Terraform would make a name up if none were given.
GENERATED_NAMES = ("name", "bucket", "identifier", "cluster_identifier", "function_name")
# Arguments about another key than the one that encrypts the resource, with the reason.
OTHER_KEYS = {
    ("aws_rds_cluster", "master_user_secret_kms_key_id"): "RDS keeps no password for us",
    ("aws_rds_cluster", "performance_insights_kms_key_id"): "set at each instance",
    ("aws_lambda_function", "source_kms_key_arn"): "for packages that lie in S3",
    ("aws_lambda_event_source_mapping", "kms_key_arn"): "for filters, of which there are none",
    ("aws_sqs_queue", "kms_data_key_reuse_period_seconds"): "a time, not a key",
}
KEY = re.compile(r"\$\{aws_kms_key\.\w+\.arn\}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+")
REFERENCE = re.compile(r"\b((?:data\.)?aws_\w+\.[A-Za-z][\w-]*|local\.[\w-]+)(?=[.}\[,)])")
ANYWHERE = re.compile(r"(?<![0-9.])0\.0\.0\.0/0|(?<![0-9a-f:])::/0")
RESTRICTING_KEYS = {"aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:SourceAccount"}
PUBLIC_TYPES = (
    *("aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_s3_bucket_acl"),
    *("aws_s3_bucket_website_configuration", "aws_lambda_function_url"),
)
COMMON_TAGS = ("Environment", "Project", "Owner", "CostCenter", "ManagedBy")


def promise(check: Promise) -> Promise:
    """Register a promise under its function's name."""
    PROMISES[check.__name__] = check
    return check


@promise
def names_carry_the_suffix(template: Template) -> Offences:
    suffix = re.escape(template.settings.environment_suffix)
    form = re.compile(rf"[a-zA-Z0-9]-{suffix}(?:$|-$|-\$\{{|/)")
    for resource in template.resources():
        known = arguments_of(resource.type)
        for argument in sorted(known & set(resource.body)):
            value = resource.body[argument]
            if not NAMES.fullmatch(argument) or argument in NOT_NAMES or "${" in str(value)[:2]:
                continue
            given = template.stack == "state" and argument == "bucket"
            if given and value == template.settings.terraform_state_bucket:
                continue
            if not form.search(value):
                yield f"{resource}: {argument} {value!r} lacks the suffix"
        for argument in known.intersection(GENERATED_NAMES):
            if not {argument, f"{argument}_prefix"} & set(resource.body):
                yield f"{resource}: has no {argument}"


@promise
def everything_is_tagged(template: Template) -> Offences:
    suffix = template.settings.environment_suffix
    for provider in template.document["provider"]["aws"]:
        tags = provider.get("default_tags", [{}])[0].get("tags", {})
        missing = [tag for tag in COMMON_TAGS if not tags.get(tag)]
        if missing or tags.get("Environment") != suffix:
            yield f"provider.aws: default tags {tags}, missing {missing}"
    for resource in template.resources():
        if "tags" not in arguments_of(resource.type):
            continue
        name = resource.get("tags", {}).get("Name", "")
        if not name.endswith(f"-{suffix}"):
            yield f"{resource}: Name tag {name!r}"


@promise
def everything_is_encrypted(template: Template) -> Offences:
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


@promise
def buckets_are_encrypted(template: Template) -> Offences:
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


@promise
def buckets_are_versioned_and_owned(template: Template) -> Offences:
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


@promise
def only_tls_is_accepted(template: Template) -> Offences:
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
    for group in some(template, "aws_rds_cluster_parameter_group"):
        parameters = {row["name"]: row["value"] for row in listed(group.get("parameter"))}
        if parameters.get("rds.force_ssl") != "1":
            yield f"{group}: rds.force_ssl is not 1"


@promise
def nothing_is_public(template: Template) -> Offences:
    blocks = (
        *("block_public_acls", "block_public_policy"),
        *("ignore_public_acls", "restrict_public_buckets"),
    )
    for bucket in buckets(template):
        own = belonging(template, bucket, "aws_s3_bucket_public_access_block")
        if [[block.get(name) for name in blocks] for block in own] != [[True] * 4]:
            yield f"{bucket}: public access is not blocked"
    for resource in template.resources():
        if resource.type in PUBLIC_TYPES:
            yield f"{resource}: a way to the public"
        if "publicly_accessible" in arguments_of(resource.type) and (
            resource.get("publicly_accessible") is not False
        ):
            yield f"{resource}: publicly_accessible is not false"
        for argument in ("map_public_ip_on_launch", "associate_public_ip_address"):
            if resource.get(argument):
                yield f"{resource}: {argument}"


@promise
def no_rule_is_open_to_everyone(template: Template) -> Offences:
    for resource in template.resources():
        for argument, value in strings(resource.body):
            if ANYWHERE.search(value):
                yield f"{resource}: {argument} {value!r}"
        if resource.type in ("aws_security_group", "aws_default_security_group"):
            for argument in {"ingress", "egress"} & set(resource.body):
                yield f"{resource}: {argument} rules inside the group"
        if resource.type.startswith("aws_vpc_security_group_") and not (
            {"referenced_security_group_id", "prefix_list_id"} & set(resource.body)
        ):
            yield f"{resource}: names neither a group nor a prefix list"


@promise
def no_statement_allows_everything(template: Template) -> Offences:
    for resource, argument, statement in statements(template):
        if statement["Effect"] != "Allow":
            continue
        where = f"{resource}: {argument} {statement.get('Sid')}"
        if "NotAction" in statement or "NotResource" in statement:
            yield f"{where} allows whatever it does not name"
        # In the policy of a key "*" is that key; even so nobody gets every action on it.
        of_key = resource.type == "aws_kms_key"
        for action in listed(statement.get("Action")):
            too_much = re.fullmatch(r"\*|\w+:\*", action) if of_key else "*" in action
            if too_much and "*" in listed(statement.get("Resource")):
                yield f"{where} allows {action} on everything"


@promise
def nobody_unknown_is_allowed(template: Template) -> Offences:
    for resource, argument, statement in statements(template):
        principal = statement.get("Principal")
        everyone = principal == "*" or (
            isinstance(principal, dict) and "*" in listed(principal.get("AWS"))
        )
        tests = {
            key
            for operator, keys in statement.get("Condition", {}).items()
            if operator in ("StringEquals", "ArnEquals")
            for key in keys
        }
        where = f"{resource}: {argument} {statement.get('Sid')}"
        if statement["Effect"] == "Allow" and "NotPrincipal" in statement:
            yield f"{where} allows whom it does not name"
        if statement["Effect"] == "Allow" and everyone and not tests & RESTRICTING_KEYS:
            yield f"{where} allows everyone"


@promise
def services_act_for_this_account_only(template: Template) -> Offences:
    for resource, argument, statement in statements(template):
        if resource.type not in ("aws_kms_key", "aws_s3_bucket_policy", "aws_sqs_queue_policy"):
            continue
        services = (
            isinstance(statement.get("Principal"), dict) and "Service" in statement["Principal"]
        )
        if services and statement["Effect"] == "Allow":
            bound = template.account_id in str(statement.get("Condition", ""))
            if not bound:
                yield f"{resource}: {argument} {statement.get('Sid')} serves other accounts too"


@promise
def everything_can_be_destroyed(template: Template) -> Offences:
    for resource in template.resources():
        known = arguments_of(resource.type)
        if listed(resource.get("lifecycle", {}))[0].get("prevent_destroy"):
            yield f"{resource}: prevent_destroy"
        for argument in ("deletion_protection", "deletion_protection_enabled", "skip_destroy"):
            if resource.get(argument):
                yield f"{resource}: {argument}"
        if "skip_final_snapshot" in known and resource.get("skip_final_snapshot") is not True:
            yield f"{resource}: a final snapshot"
        for argument in {"force_delete", "force_destroy"} & known:
            contents = resource.type in ("aws_s3_bucket", "aws_ecr_repository", "aws_backup_vault")
            if contents and resource.get(argument) is not True:
                yield f"{resource}: cannot be destroyed with its contents"
        for argument, value in resource.body.items():
            if argument.startswith("object_lock") and value not in (False, None):
                yield f"{resource}: {argument}"
        if "object_lock" in resource.type or "vault_lock" in resource.type:
            yield f"{resource}: locked objects"


@promise
def logs_are_kept(template: Template) -> Offences:
    days = template.settings.monitoring.log_retention_days
    for group in some(template, "aws_cloudwatch_log_group"):
        if group.get("retention_in_days") != days or days not in LOG_RETENTION_DAYS:
            yield f"{group}: kept {group.get('retention_in_days')} days, not {days}"


@promise
def messages_are_not_lost(template: Template) -> Offences:
    found = some(template, "aws_sqs_queue")
    for_dead_letters = {
        allowed["queue_url"] for allowed in some(template, "aws_sqs_queue_redrive_allow_policy")
    }
    for queue in found:
        redrive = json.loads(queue.get("redrive_policy", "{}"))
        if queue.ref("url") in for_dead_letters:
            if queue.get("message_retention_seconds") != 14 * 86_400:
                yield f"{queue}: dead letters are not kept for 14 days"
        elif redrive.get("deadLetterTargetArn") not in {one.ref("arn") for one in found}:
            yield f"{queue}: nothing keeps its dead letters"
        elif redrive["maxReceiveCount"] < 5:
            yield f"{queue}: {redrive['maxReceiveCount']} receptions make a dead letter"


@promise
def references_lead_somewhere(template: Template) -> Offences:
    known = {resource.address for resource in (*template.resources(), *template.data_sources())}
    known |= {f"local.{name}" for name in template.document.get("locals", {})}
    for resource in template.resources():
        waits = resource.get("depends_on")
        if waits is not None and not waits:
            # cdktf leaves out, silently, what is not a resource.
            yield f"{resource}: depends_on came to nothing"
        for address in (
            *listed(waits),
            *(m for _, value in strings(resource.body) for m in REFERENCE.findall(value)),
        ):
            if address not in known:
                yield f"{resource}: {address} does not exist"


@promise
def waivers_have_reasons(template: Template) -> Offences:
    for resource in template.resources():
        for check, reason in resource.waivers.items():
            if not re.fullmatch(r"CKV2?_[A-Z]+_[0-9]+", check):
                yield f"{resource}: {check!r} is no check"
            if len(reason.split()) < 4:
                yield f"{resource}: {check} is waived for {reason!r}"


@promise
def no_path_of_a_machine(template: Template) -> Offences:
    places = {str(PROJECT), str(Path.home()), sys.prefix}
    for block in ("resource", "data", "terraform", "provider", "locals", "output"):
        prefix = "" if block == "resource" else block
        for argument, value in strings(template.document.get(block, {}), prefix):
            if any(place in value for place in places if len(place) > 1) or re.search(
                r"(?:^|[\s\"'=:])(?:/home/|/Users/|/tmp/|/ro{2}t/|/var/folders/|[A-Z]:\\)", value
            ):
                yield f"{argument}: {value!r}"


@promise
def both_majors_of_the_provider_will_do(template: Template) -> Offences:
    for resource in template.resources():
        # Version 6 gave every resource a Region of its own, which version 5 refuses.
        if "region" in resource.body:
            yield f"{resource}: region is known to version 6 only"


@promise
def no_secret_in_the_state(template: Template) -> Offences:
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
        if resource.type in ("random_password", "random_string"):
            yield f"{resource}: its result lies in the state"
    for type_ in ("aws_secretsmanager_secret_version", "aws_secretsmanager_random_password"):
        for name in document.get("data", {}).get(type_, {}):
            yield f"data.{type_}.{name}: its value lies in the state"
    for name, output in document.get("output", {}).items():
        if ephemeral.search(str(output["value"])):
            yield f"output.{name}: shows a secret"
