"""Rules about the lifecycle of resources: deletion, logs, messages, references and suppressions."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from lib.rules.naming import name_form
from lib.rules.registry import RULES, Controls, Violations, address, rule
from lib.template import Resource, Template, arguments_of, listed, strings

PROJECT = Path(__file__).resolve().parents[2]
# Arguments with which AWS or Terraform refuses to delete a resource, or keeps it.
PROTECTIONS = (
    *("deletion_protection", "deletion_protection_enabled", "enable_deletion_protection"),
    *("disable_api_termination", "disable_api_stop", "protect_from_scale_in", "skip_destroy"),
)
TYPES_WITH_CONTENTS = ("aws_s3_bucket", "aws_ecr_repository", "aws_backup_vault")
MINIMUM_LOG_RETENTION_DAYS = 90
DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400
MINIMUM_RECEIVE_COUNT = 5
REFERENCE = re.compile(r"\b((?:data\.)?aws_\w+\.[A-Za-z][\w-]*|local\.[\w-]+)(?=[.}\[,)])")
MINIMUM_REASON_WORDS = 4
# Checks of checkov, and of the linter of IAM policies.
CHECK = re.compile(r"CKV2?_[A-Z]+_[0-9]+|IAM_[A-Z_]+")
MONTH = re.compile(r"20[2-9][0-9]-(?:0[1-9]|1[0-2])")


@rule(
    why="Every environment can be deleted by one command, without remaining costs",
    remedy="Disable deletion protection and final snapshots, and set force_destroy",
    enforced_by=(
        "lib.storage.bucket.SecureBucket",
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
    ),
    severity="medium",
    suppressible=False,
)
def resources_are_destroyable(template: Template) -> Violations:
    """Every resource can be deleted, with its contents."""
    for resource in template.resources():
        known = arguments_of(resource.type)
        if (listed(resource.get("lifecycle")) or [{}])[0].get("prevent_destroy"):
            yield f"{resource}: prevent_destroy"
        for argument in PROTECTIONS:
            if resource.get(argument):
                yield f"{resource}: {argument}"
        if "skip_final_snapshot" in known and resource.get("skip_final_snapshot") is not True:
            yield f"{resource}: skip_final_snapshot is not true"
        for argument in {"force_delete", "force_destroy"} & known:
            if resource.type in TYPES_WITH_CONTENTS and resource.get(argument) is not True:
                yield f"{resource}: {argument} is not true"
        yield from _locks(resource)


def _locks(resource: Resource) -> Violations:
    for argument, value in resource.body.items():
        if argument.startswith("object_lock") and value not in (False, None):
            yield f"{resource}: {argument}"
    if "object_lock" in resource.type or "vault_lock" in resource.type:
        yield f"{resource}: locks objects"


@rule(
    why="Incidents are analysed weeks after they happen",
    remedy="Create log groups with LogGroup, with the log retention of the context",
    enforced_by=("lib.monitoring.log_group.LogGroup",),
    severity="medium",
    controls=Controls(nist=("AU-6(3)", "AU-6(4)", "AU-10", "AU-11", "CA-7", "SI-12")),
)
def require_log_retention(template: Template) -> Violations:
    """Log groups have a retention period of at least 90 days."""
    for group in template.resources("aws_cloudwatch_log_group"):
        days = group.get("retention_in_days")
        if not days:
            yield f"{group}: retention_in_days is not set"
        elif days < MINIMUM_LOG_RETENTION_DAYS:
            yield f"{group}: {days} days of retention; at least {MINIMUM_LOG_RETENTION_DAYS}"


@rule(
    why="A message that cannot be processed must remain until an operator has examined it",
    remedy="Create queues with Queue, which has a dead-letter queue",
    enforced_by=("lib.messaging.queue.Queue",),
    severity="medium",
    controls=Controls(nist=("SI-11", "SI-13(5)")),
)
def queues_have_dead_letter_queue(template: Template) -> Violations:
    """Every queue has a dead-letter queue with 14 days of retention."""
    queues = template.resources("aws_sqs_queue")
    dead_letter_queues = {
        allowed["queue_url"] for allowed in template.resources("aws_sqs_queue_redrive_allow_policy")
    }
    for queue in queues:
        redrive = json.loads(queue.get("redrive_policy", "{}"))
        if queue.ref("url") in dead_letter_queues:
            if queue.get("message_retention_seconds") != DEAD_LETTER_RETENTION_SECONDS:
                yield f"{queue}: message_retention_seconds is not 14 days"
        elif redrive.get("deadLetterTargetArn") not in {one.ref("arn") for one in queues}:
            yield f"{queue}: has no dead-letter queue"
        elif redrive["maxReceiveCount"] < MINIMUM_RECEIVE_COUNT:
            yield f"{queue}: maxReceiveCount {redrive['maxReceiveCount']} is less than 5"


@rule(
    why="Terraform reports a reference to a missing resource only when it plans",
    remedy="Pass the construct or an attribute of it; list resources in depends_on",
    severity="medium",
    suppressible=False,
)
def references_resolve(template: Template) -> Violations:
    """Every resource that is referred to, or listed in depends_on, exists."""
    known = {resource.address for resource in (*template.resources(), *template.data_sources())}
    known |= {f"local.{name}" for name in template.document.get("locals", {})}
    for resource in template.resources():
        dependencies = resource.get("depends_on")
        if dependencies is not None and not dependencies:
            # cdktf omits constructs that are not resources, without a message.
            yield f"{resource}: depends_on is empty"
        for named in (
            *listed(dependencies),
            *(m for _, value in strings(resource.body) for m in REFERENCE.findall(value)),
        ):
            if named not in known:
                yield f"{resource}: {named} does not exist"


@rule(
    why="A suppression that is not understood, or has no effect, hides the next violation",
    remedy="Write `suppress(resource, since='YYYY-MM', reasons={NAME: 'why it does not apply'})`,"
    " or remove it",
    severity="medium",
    controls=Controls(nist=("CA-5", "CM-3", "CM-6")),
    suppressible=False,
)
def suppressions_have_reasons(template: Template) -> Violations:
    """Every suppression has a reason, a month and an effect."""
    suppressible = {name: one for name, one in RULES.items() if one.suppressible}
    violations: dict[str, set[str]] = {}
    for resource in template.resources():
        for name, suppression in resource.suppressions.items():
            if name in suppressible:
                if name not in violations:
                    violations[name] = {address(one) for one in suppressible[name](template)}
                if resource.address not in violations[name]:
                    yield f"{resource}: the suppression of {name} has no effect: remove it"
            elif not CHECK.fullmatch(name):
                yield f"{resource}: {name!r} is not a check or a rule that can be suppressed"
            if len(suppression.reason.split()) < MINIMUM_REASON_WORDS:
                yield f"{resource}: {name} is suppressed with the reason {suppression.reason!r}"
            if not MONTH.fullmatch(suppression.since):
                yield (
                    f"{resource}: {name} is suppressed since {suppression.since!r}, which is not a"
                    " month (YYYY-MM)"
                )


# An absolute path of at least two parts, of a POSIX system or of Windows.
_ABSOLUTE_PATH = re.compile(r"(?:^|[\s\"'=:(\[,>])(/[\w.@+-]+(?:/[\w.@+-]+)+|[A-Za-z]:\\[^\s\"']+)")
# Absolute paths that do not depend on the machine that synthesizes: names that AWS gives to log
# groups and public parameters, and system directories in the user data of Linux instances.
_ALLOWED_PATHS = (
    "/aws/",
    *("/bin/", "/dev/", "/etc/", "/opt/", "/proc/", "/run/", "/sbin/", "/srv/", "/sys/", "/usr/"),
    *("/var/lib/", "/var/log/", "/var/run/", "/var/www/"),
)


@rule(
    why="The same commit must result in the same plan on every machine",
    remedy="Use a path relative to the project, or an asset",
    severity="medium",
    suppressible=False,
)
def no_absolute_paths(template: Template) -> Violations:
    """No absolute path of the machine that synthesizes is in the stack."""
    # An allowed directory may contain the project; the prefix of a system Python is "/usr".
    folders = (str(PROJECT), str(Path.home()), sys.prefix)
    own = [one for one in folders if len(Path(one).parts) > 2]
    physical_name = name_form(template)
    for block in ("resource", "data", "terraform", "provider", "locals", "output"):
        prefix = "" if block == "resource" else block
        for argument, value in strings(template.document.get(block, {}), prefix):
            paths = [
                path
                for path in _ABSOLUTE_PATH.findall(value)
                if not path.startswith(_ALLOWED_PATHS)
                # Parameters and log groups have names with slashes.
                and not (template.suffix and physical_name.search(path))
            ]
            paths += [folder for folder in own if folder in value]
            if paths:
                yield f"{argument}: contains the path {paths[0]!r}"


@rule(
    why="The supported provider versions include the last of major version 5",
    remedy="Omit the argument; the provider has the Region",
    severity="medium",
)
def supported_provider_range(template: Template) -> Violations:
    """No argument is used that a supported major version of the provider lacks."""
    for resource in template.resources():
        # Version 6 added `region` to every resource, which version 5 rejects.
        if "region" in resource.body:
            yield f"{resource}: version 5 of the provider has no argument region"
