"""Rules about versions and databases whose violation AWS reports during or after the apply."""

from __future__ import annotations

from lib import end_of_support
from lib.instance_classes import supports
from lib.rules.registry import Controls, Violations, rule
from lib.template import Template

DATABASES = ("aws_rds_cluster", "aws_db_instance")
# The default of KMS.
DEFAULT_DELETION_WINDOW_DAYS = 30


@rule(
    why="After the end of support AWS rejects new resources and upgrades existing ones by force",
    remedy="Use a version in support; lib/end_of_support.py has the dates",
    enforced_by=(
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
    ),
    controls=Controls(fsbp=("Lambda.2",), nist=("SI-2",)),
    suppressible=False,
)
def require_supported_versions(template: Template) -> Violations:
    """Engine versions of databases and runtimes of functions are in support."""
    today = end_of_support.today()
    for resource in template.resources():
        argument, row = end_of_support.of_resource(resource.type, resource.body)
        if argument and row and row.has_ended(today):
            yield (
                f"{resource}: {argument}: received {resource.get(argument)!r}; accepted: a version"
                f" in support; {row.describe(today)}. {row.remedy}"
            )


@rule(
    why="AWS rejects the class during the apply, after other resources have been created",
    remedy="Use a class of lib/instance_classes.py",
    controls=Controls(nist=("SI-10",)),
    suppressible=False,
)
def require_supported_instance_classes(template: Template) -> Violations:
    """DB instances have a class that their engine supports."""
    for type_ in ("aws_rds_cluster_instance", "aws_db_instance"):
        for resource in template.resources(type_):
            engine, received = resource.get("engine", ""), resource.get("instance_class", "")
            if not supports(engine, received):
                yield f"{resource}: instance_class: received {received!r}, which {engine} lacks"


@rule(
    why="Automated backups of a deleted database cannot be restored without the key that encrypts"
    " them",
    remedy="Keep automated backups, for at most the deletion window of the KMS key",
    enforced_by=(
        "lib.database.aurora.AuroraCluster",
        "lib.database.postgres.PostgresInstance",
    ),
    controls=Controls(nist=("CP-9", "SC-12")),
)
def keep_restorable_backups(template: Template) -> Violations:
    """Backups outlive a deleted database, and the KMS key outlives the backups."""
    windows = {
        key.ref("arn"): key.get("deletion_window_in_days") or DEFAULT_DELETION_WINDOW_DAYS
        for key in template.resources("aws_kms_key")
    }
    for type_ in DATABASES:
        for resource in template.resources(type_):
            if resource.get("delete_automated_backups") is not False:
                yield f"{resource}: delete_automated_backups is not false"
            days = resource.get("backup_retention_period") or 0
            window = windows.get(resource.get("kms_key_id"))
            if not days:
                yield f"{resource}: backup_retention_period is 0 or not set"
            elif window and days > window:
                yield (
                    f"{resource}: backup_retention_period: received {days}; accepted: at most"
                    f" {window} days, the deletion window of its KMS key"
                )


def support_warnings(template: Template) -> list[str]:
    """The resources and data sources whose version is near or past its end of support."""
    today = end_of_support.today()
    found = []
    for resource in (*template.resources(), *template.data_sources()):
        argument, row = end_of_support.of_resource(resource.type, resource.body)
        if argument and row and row.needs_warning(today):
            found.append(
                f"{template.stack}/{resource.path} ({resource.address}): {row.describe(today)}."
                f" {row.remedy}."
            )
    return found
