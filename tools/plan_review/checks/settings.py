"""Checks for settings that grant access or reduce protection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.plan_review.comparison import format_value
from tools.plan_review.findings import Check, Evidence
from tools.plan_review.model import Action, Change
from tools.plan_review.values import Json, as_number, flatten


@dataclass(frozen=True)
class Setting:
    """An attribute, at any depth, with the values that violate a rule.

    The rule applies if the attribute gets such a value and did not have one before; at the creation
    of a resource only if `at_creation`. `types` are the resource types concerned; all if empty.
    `mitigated_by` are attributes of which one set to true changes the rule to `mitigated_rule`.
    """

    attribute: str
    is_violation: Callable[[Json], bool]
    rule: str
    types: tuple[str, ...] = ()
    at_creation: bool = True
    mitigated_by: tuple[str, ...] = ()
    mitigated_rule: str = ""

    def rule_for(self, change: Change) -> str:
        mitigated = any(change.after.get(name) is True for name in self.mitigated_by)
        return self.mitigated_rule if mitigated else self.rule


def is_true(value: Json) -> bool:
    """Return whether a value is true."""
    return value is True or value == "true"


def is_false(value: Json) -> bool:
    """Return whether a value is false."""
    return value is False or value == "false"


def is_unset(value: Json) -> bool:
    """Return whether a value is null or empty."""
    return value in (None, "", [])


def is_not_true(value: Json) -> bool:
    """Return whether a value is anything but true."""
    return value is not True


def contains_all(value: Json) -> bool:
    """Return whether a list contains `all`."""
    return isinstance(value, list) and "all" in value


def one_of(*values: str) -> Callable[[Json], bool]:
    """Return the test whether a value is one of some."""
    return lambda value: value in values


_BLOCKS = ("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block")
_DATABASES = ("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster")
_PUBLIC_ACLS = one_of("public-read", "public-read-write", "authenticated-read")
# If one of these is on, the data remains encrypted with an AWS managed key.
_STILL_ENCRYPTED = ("sqs_managed_sse_enabled", "storage_encrypted", "encrypted")

SETTINGS = (
    Setting("publicly_accessible", is_true, "public"),
    Setting("acl", _PUBLIC_ACLS, "public"),
    *(
        Setting(name, is_not_true, "public", _BLOCKS)
        for name in (
            *("block_public_acls", "block_public_policy"),
            *("ignore_public_acls", "restrict_public_buckets"),
        )
    ),
    Setting("authorization_type", one_of("NONE"), "public", ("aws_lambda_function_url",)),
    Setting("group", one_of("all"), "public", ("aws_ami_launch_permission",)),
    Setting("shared_accounts", contains_all, "public"),
    Setting("authorization", one_of("NONE"), "access-widened", ("aws_api_gateway_method",)),
    Setting("map_public_ip_on_launch", is_true, "access-widened"),
    Setting("associate_public_ip_address", is_true, "access-widened"),
    Setting("endpoint_public_access", is_true, "access-widened"),
    Setting("internal", is_false, "access-widened", ("aws_lb", "aws_alb")),
    Setting("http_tokens", one_of("optional"), "protection-reduced"),
    Setting("is_enabled", is_false, "key-disabled", ("aws_kms_key",)),
    Setting("enabled", is_false, "key-disabled", ("aws_kms_external_key", "aws_kms_replica_key")),
    Setting("storage_encrypted", is_not_true, "encryption-disabled", _DATABASES),
    Setting(
        "encrypted", is_false, "encryption-disabled", ("aws_ebs_volume", "aws_efs_file_system")
    ),
    Setting("encrypted", is_false, "encryption-disabled", at_creation=False),
    Setting("at_rest_encryption_enabled", is_false, "encryption-disabled"),
    Setting("transit_encryption_enabled", is_false, "encryption-disabled"),
    Setting("sqs_managed_sse_enabled", is_false, "encryption-disabled", at_creation=False),
    *(
        Setting(
            *(name, is_unset, "encryption-disabled"),
            at_creation=False,
            mitigated_by=_STILL_ENCRYPTED,
            mitigated_rule="protection-reduced",
        )
        for name in ("kms_key_id", "kms_key_arn", "kms_master_key_id", "kms_master_key_arn")
    ),
    Setting("sse_algorithm", one_of("AES256"), "protection-reduced", at_creation=False),
    Setting("enable_key_rotation", is_false, "protection-reduced", at_creation=False),
    Setting("enable_log_file_validation", is_false, "protection-reduced", at_creation=False),
    Setting("enable_logging", is_false, "protection-reduced", at_creation=False),
    Setting("deletion_protection", is_false, "protection-reduced", at_creation=False),
    Setting("multi_az", is_false, "protection-reduced", at_creation=False),
    Setting("skip_final_snapshot", is_true, "protection-reduced", at_creation=False),
    Setting("force_destroy", is_true, "protection-reduced", at_creation=False),
    Setting(
        *("status", one_of("Suspended", "Disabled"), "protection-reduced"),
        ("aws_s3_bucket_versioning",),
        at_creation=False,
    ),
)
# Resource types whose destruction grants access or reduces protection, with the rule.
SAFEGUARDS = {
    "aws_s3_bucket_public_access_block": "public",
    "aws_s3_account_public_access_block": "public",
    "aws_s3_bucket_server_side_encryption_configuration": "encryption-disabled",
    "aws_s3_bucket_versioning": "protection-reduced",
    "aws_cloudtrail": "protection-reduced",
    "aws_flow_log": "protection-reduced",
    "aws_config_configuration_recorder": "protection-reduced",
    "aws_wafv2_web_acl_association": "protection-reduced",
}
# Periods of retention, of which a lower value is the worse one.
RETENTION = (
    *("backup_retention_period", "retention_in_days", "recovery_window_in_days"),
    *("deletion_window_in_days", "message_retention_seconds", "days", "noncurrent_days"),
)


def violating(*settings: Setting) -> Check:
    """Return the check that yields evidence for each of the settings that violates its rule."""

    def check(change: Change) -> Iterator[Evidence]:
        if change.action is Action.DELETE:
            return
        before, after = flatten(change.before), flatten(change.after)
        created = change.action is Action.CREATE
        for setting in settings:
            if setting.types and change.type not in setting.types:
                continue
            if created and not setting.at_creation:
                continue
            for path, values in after.items():
                if path.rpartition(".")[2] != setting.attribute:
                    continue
                old = [] if created else before.get(path, [])
                is_violation = setting.is_violation
                if any(map(is_violation, values)) and not any(map(is_violation, old)):
                    lines = (_format(path, old, values, created=created),)
                    yield Evidence(setting.rule_for(change), lines=lines)

    return check


violating_settings = violating(*SETTINGS)


def destroyed_safeguards(change: Change) -> Iterator[Evidence]:
    """Yield that a resource is destroyed which restricts access or protects data."""
    if change.action is Action.DELETE and change.type in SAFEGUARDS:
        yield Evidence(SAFEGUARDS[change.type], note="the resource is destroyed")


def shorter_retention(change: Change) -> Iterator[Evidence]:
    """Yield the periods of retention that become shorter."""
    before, after = flatten(change.before), flatten(change.after)
    for path, values in after.items():
        if path.rpartition(".")[2] not in RETENTION:
            continue
        old, new = as_number(before.get(path, [None])[0]), as_number(values[0])
        if old is not None and new is not None and new < old:
            lines = (_format(path, before[path], values),)
            yield Evidence("protection-reduced", lines=lines)


def _format(path: str, before: list[Json], after: list[Json], *, created: bool = False) -> str:
    old, new = (", ".join(map(format_value, values)) or "none" for values in (before, after))
    return f"{path}: {new}" if created else f"{path}: {old} → {new}"
