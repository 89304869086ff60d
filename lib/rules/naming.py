"""Rules about names and tags."""

from __future__ import annotations

import re
from typing import Any

from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, arguments_of, listed

# Arguments that hold a physical name, if not a reference to another resource's.
NAMES = re.compile(r"(?:\w+_)?(?:name|name_prefix|identifier|identifier_prefix)|bucket")
# Names of something else: a database, a metric, an AWS service, who signs in, a certificate, a
# stage within an API.
NOT_NAMES = {
    *("database_name", "db_name", "metric_name", "service_name", "master_username", "target_id"),
    *("stage_name", "ca_cert_identifier"),
}
# Where AWS or Terraform would make a name up if none were given.
GENERATED_NAMES = ("name", "bucket", "identifier", "cluster_identifier", "function_name")
OTHER_GENERATED_NAMES = {"aws_key_pair": ("key_name",)}
SYSTEMS = {"bastion": "bastion-", "web": "web-"}
COMMON_TAGS = (
    *("Environment", "Project", "Owner", "CostCenter", "ManagedBy", "Component", "Purpose"),
)


def name_form(template: Template) -> re.Pattern[str]:
    """`<kind>-<suffix>`, after the system's own prefix in the stacks that have one."""
    suffix = re.escape(template.settings.environment_suffix)
    prefix = SYSTEMS.get(template.stack, "")
    # A path such as /web-dev/database has the system's prefix and the suffix alone.
    kind = rf"(?:^|[/-]){prefix}(?:[\w.-]*[a-zA-Z0-9]-)?" if prefix else "[a-zA-Z0-9]-"
    return re.compile(rf"{kind}{suffix}(?:$|-$|-\$\{{|/)")


@rule(
    why="Two environments in one account must not take each other's names",
    remedy="Name it settings.name('kind'), which ends in the suffix",
    enforced_by=("lib.settings.Settings.name",),
    severity="medium",
    controls=Controls(nist=("CM-8",)),
)
def names_end_with_suffix(template: Template) -> Violations:
    """Every physical name ends in the environment's suffix."""
    form = name_form(template)
    for resource in template.resources():
        known = arguments_of(resource.type)
        for argument in sorted(known & set(resource.body)):
            value = resource.body[argument]
            if not NAMES.fullmatch(argument) or argument in NOT_NAMES:
                continue
            given = template.stack == "state" and argument == "bucket"
            if given and value == template.settings.terraform_state_bucket:
                continue
            for one in listed(value):
                if not one.startswith("${") and not form.search(one):
                    yield f"{resource}: {argument} {one!r} lacks the suffix"
        generated = (*GENERATED_NAMES, *OTHER_GENERATED_NAMES.get(resource.type, ()))
        for argument in known.intersection(generated):
            if not {argument, f"{argument}_prefix"} & set(resource.body):
                yield f"{resource}: has no {argument}"


def _lacking(template: Template, tags: dict[str, Any]) -> list[str]:
    """The common tags that are missing, or that name another environment."""
    wrong = [tag for tag in COMMON_TAGS if not tags.get(tag)]
    other = tags.get("Environment") != template.settings.environment_suffix
    return wrong or (["Environment"] if other else [])


def _well_named(template: Template, tags: dict[str, Any]) -> bool:
    name = str(tags.get("Name", ""))
    prefix = SYSTEMS.get(template.stack, "")
    return name.startswith(prefix) and name.endswith(f"-{template.settings.environment_suffix}")


@rule(
    why="A resource without tags has no owner and no cost centre, and no permission follows it",
    remedy="Set tags=settings.name_tag('kind'); the provider adds the common tags",
    enforced_by=(
        "lib.settings.Settings.common_tags",
        "lib.terraform.use_aws",
        "lib.compute.fleet.Fleet",
    ),
    severity="medium",
    controls=Controls(nist=("CM-8", "PM-5")),
)
def require_tags(template: Template) -> Violations:
    """Every resource has the common tags and a Name."""
    for provider in template.document["provider"]["aws"]:
        tags = provider.get("default_tags", [{}])[0].get("tags", {})
        if missing := _lacking(template, tags):
            yield f"provider.aws: default tags {tags}, missing {missing}"
    for resource in template.resources():
        if "tags" in arguments_of(resource.type) and not _well_named(
            template, resource.get("tags", {})
        ):
            yield f"{resource}: Name tag {resource.get('tags', {}).get('Name', '')!r}"
        yield from _handed_on(template, resource)


def _handed_on(template: Template, resource: Resource) -> Violations:
    """Tags of what the provider's default tags do not reach: what AWS itself makes later."""
    if resource.type == "aws_autoscaling_group":
        found = listed(resource.get("tag"))
        tags = {one["key"]: one["value"] for one in found if one["propagate_at_launch"] is True}
        if missing := _lacking(template, tags):
            yield f"{resource}: its instances get {tags}, missing {missing}"
        if not _well_named(template, tags):
            yield f"{resource}: its instances get the Name {tags.get('Name')!r}"
    if resource.type == "aws_launch_template":
        specified = {
            one["resource_type"]: one["tags"] for one in listed(resource.get("tag_specifications"))
        }
        for kind in ("instance", "volume"):
            tags = specified.get(kind, {})
            if (missing := _lacking(template, tags)) or not _well_named(template, tags):
                yield f"{resource}: {kind} gets {tags}, missing {missing or 'Name'}"
    if resource.type == "aws_instance":
        for device in listed(resource.get("root_block_device")) or [{}]:
            # The provider adds its default tags to these, not to `volume_tags`.
            if not _well_named(template, device.get("tags", {})):
                yield f"{resource}: root volume's tags {device.get('tags')}"
