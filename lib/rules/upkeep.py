"""Rules about the life of things: logs, messages, suppressions, references and the end."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from lib.rules.registry import RULES, Controls, Violations, address, rule
from lib.settings import LOG_RETENTION_DAYS
from lib.template import Template, arguments_of, listed, some, strings

# What would make AWS or Terraform refuse to take something down, or leave it behind.
PROTECTIONS = (
    *("deletion_protection", "deletion_protection_enabled", "enable_deletion_protection"),
    *("disable_api_termination", "disable_api_stop", "protect_from_scale_in", "skip_destroy"),
)
PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = re.compile(r"\b((?:data\.)?aws_\w+\.[A-Za-z][\w-]*|local\.[\w-]+)(?=[.}\[,)])")
# The log groups of the web application itself, which are enforced by its own setting.
APPLICATION_LOGS = ("Fleet/ApplicationLogs", "Fleet/DeploymentLogs")
LEAST_WORDS = 4
# Checks of checkov's, and of the linter of IAM policies.
CHECK = re.compile(r"CKV2?_[A-Z]+_[0-9]+|IAM_[A-Z_]+")
MONTH = re.compile(r"20[2-9][0-9]-(?:0[1-9]|1[0-2])")


@rule(
    why="Every environment can be taken down by one command, and leaves nothing that costs",
    remedy="Leave deletion protection and final snapshots off, and set force_destroy",
    enforced_by=(
        "lib.storage.bucket.SecureBucket",
        "lib.database.AuroraCluster",
        "lib.compute.fleet.Fleet",
    ),
    severity="medium",
    controls=Controls(),
    suppressible=False,
)
def resources_are_destroyable(template: Template) -> Violations:
    """Nothing resists being destroyed."""
    for resource in template.resources():
        known = arguments_of(resource.type)
        if listed(resource.get("lifecycle", {}))[0].get("prevent_destroy"):
            yield f"{resource}: prevent_destroy"
        for argument in PROTECTIONS:
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


@rule(
    why="What happened is looked for weeks later",
    remedy="Make log groups with LogGroup, which takes its days from the settings",
    enforced_by=("lib.monitoring.log_group.LogGroup",),
    severity="medium",
    controls=Controls(nist=("AU-6(3)", "AU-6(4)", "AU-10", "AU-11", "CA-7", "SI-12")),
)
def require_log_retention(template: Template) -> Violations:
    """Log groups keep what they hold as long as the settings say."""
    settings = template.settings
    for group in some(template, "aws_cloudwatch_log_group"):
        own = template.stack == "web" and group.path in APPLICATION_LOGS
        days = (settings.web if own else settings.monitoring).log_retention_days
        if group.get("retention_in_days") != days or days not in LOG_RETENTION_DAYS:
            yield f"{group}: kept {group.get('retention_in_days')} days, not {days}"


@rule(
    why="A message that fails is looked at by a person, within two weeks",
    remedy="Make queues with Queue, which has a queue of dead letters",
    enforced_by=("lib.messaging.queue.Queue",),
    severity="medium",
    controls=Controls(nist=("SI-11", "SI-13(5)")),
)
def queues_have_dead_letter_queue(template: Template) -> Violations:
    """Every queue has a queue for dead letters, which keeps them for 14 days."""
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


@rule(
    why="Terraform refuses the stack at the plan, long after the mistake",
    remedy="Pass the object, not its name; name resources in depends_on",
    enforced_by=("lib.context.Foundation",),
    severity="medium",
    suppressible=False,
)
def references_resolve(template: Template) -> Violations:
    """What a resource refers to or waits for exists."""
    known = {resource.address for resource in (*template.resources(), *template.data_sources())}
    known |= {f"local.{name}" for name in template.document.get("locals", {})}
    for resource in template.resources():
        waits = resource.get("depends_on")
        if waits is not None and not waits:
            # cdktf leaves out, silently, what is not a resource.
            yield f"{resource}: depends_on came to nothing"
        for named in (
            *listed(waits),
            *(m for _, value in strings(resource.body) for m in REFERENCE.findall(value)),
        ):
            if named not in known:
                yield f"{resource}: {named} does not exist"


@rule(
    why="A suppression that nobody understands, or that suppresses nothing, hides the next fault",
    remedy="Write `suppress(resource, 'YYYY-MM', NAME='why it does not apply here')`, or drop it",
    enforced_by=("lib.suppressions.suppress",),
    severity="medium",
    controls=Controls(nist=("CA-5", "CM-3", "CM-6")),
    suppressible=False,
)
def suppressions_have_reasons(template: Template) -> Violations:
    """Every suppression has a reason, a month, and something that it suppresses."""
    suppressible = {name: one for name, one in RULES.items() if one.suppressible}
    for resource in template.resources():
        for name, suppression in resource.suppressions.items():
            if name in suppressible:
                violations = suppressible[name](template)
                if not any(address(one) == resource.address for one in violations):
                    yield f"{resource}: the suppression of {name} has no effect: remove it"
            elif not CHECK.fullmatch(name):
                yield f"{resource}: {name!r} is not a check or a rule that can be suppressed"
            if len(suppression.reason.split()) < LEAST_WORDS:
                yield f"{resource}: {name} is suppressed with the reason {suppression.reason!r}"
            if not MONTH.fullmatch(suppression.since):
                yield (
                    f"{resource}: {name} is suppressed since {suppression.since!r}, which is not a"
                    " month (YYYY-MM)"
                )


@rule(
    why="The same commit gives the same plan on every machine",
    remedy="Give paths relative to the project, or as an asset",
    enforced_by=("lib.compute.packaging.package_function",),
    severity="medium",
    suppressible=False,
)
def no_absolute_paths(template: Template) -> Violations:
    """No path of one machine gets into the stack."""
    places = {str(PROJECT), str(Path.home()), sys.prefix}
    for block in ("resource", "data", "terraform", "provider", "locals", "output"):
        prefix = "" if block == "resource" else block
        for argument, value in strings(template.document.get(block, {}), prefix):
            if any(place in value for place in places if len(place) > 1) or re.search(
                r"(?:^|[\s\"'=:])(?:/home/|/Users/|/tmp/|/ro{2}t/|/var/folders/|[A-Z]:\\)", value
            ):
                yield f"{argument}: {value!r}"


@rule(
    why="The range of provider versions holds the last of major version 5",
    remedy="Leave the argument out; the provider has the Region",
    enforced_by=("lib.terraform.use_aws",),
    severity="medium",
)
def supported_provider_range(template: Template) -> Violations:
    """No argument is used that one of the provider's majors lacks."""
    for resource in template.resources():
        # Version 6 gave every resource a Region of its own, which version 5 refuses.
        if "region" in resource.body:
            yield f"{resource}: region is known to version 6 only"
