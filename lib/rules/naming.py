"""Rules about physical names and tags."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, arguments_of, listed

# Arguments that contain a physical name, unless the value refers to another resource.
NAMES = re.compile(r"(?:\w+_)?(?:name|name_prefix|identifier|identifier_prefix)|bucket")
# Arguments that contain the name of something else: a database, a metric, an AWS service, a user,
# a certificate authority, a stage of an API.
NOT_NAMES = {
    *("database_name", "db_name", "metric_name", "service_name", "master_username", "target_id"),
    *("stage_name", "ca_cert_identifier"),
}
# Arguments for which AWS or Terraform generates a name if none is set.
GENERATED_NAMES = ("name", "bucket", "identifier", "cluster_identifier", "function_name")
OTHER_GENERATED_NAMES = {"aws_key_pair": ("key_name",)}
COMMON_TAGS = (
    *("Environment", "Project", "Owner", "CostCenter", "ManagedBy", "Component", "Purpose"),
)


def name_form(template: Template) -> re.Pattern[str]:
    """The form of physical names in a stack: `{prefix}{resource-type}-{suffix}`."""
    suffix, prefix = re.escape(template.suffix), re.escape(template.prefix)
    # A path such as /web-dev/database consists of prefix and suffix alone.
    kind = rf"(?:^|[/-]){prefix}(?:[\w.-]*[a-zA-Z0-9]-)?" if prefix else "[a-zA-Z0-9]-"
    return re.compile(rf"{kind}{suffix}(?:$|-$|-\$\{{|/)")


@rule(
    why="Two environments in one account must not have resources of the same name",
    remedy="Set the name to context.name('resource-type'), which ends with the suffix",
    severity="medium",
    controls=Controls(nist=("CM-8",)),
)
def names_end_with_suffix(template: Template) -> Violations:
    """Every physical name starts with the prefix of its stack and ends with the suffix."""
    if not template.suffix:
        yield f"{template.stack}: no prefix and suffix in its metadata: create a Context"
        return
    form = name_form(template)
    for resource in template.resources():
        known = arguments_of(resource.type)
        for argument in sorted(known & set(resource.body)):
            if not NAMES.fullmatch(argument) or argument in NOT_NAMES:
                continue
            for one in listed(resource.body[argument]):
                if not one.startswith("${") and not form.search(one):
                    yield f"{resource}: {argument} {one!r} lacks the prefix or the suffix"
        generated = (*GENERATED_NAMES, *OTHER_GENERATED_NAMES.get(resource.type, ()))
        for argument in known.intersection(generated):
            if not {argument, f"{argument}_prefix"} & set(resource.body):
                yield f"{resource}: {argument} is not set"


def _missing_tags(template: Template, tags: dict[str, Any]) -> list[str]:
    """The common tags that are missing, and Environment where it names another environment."""
    missing = [tag for tag in COMMON_TAGS if not tags.get(tag)]
    other = bool(template.suffix) and tags.get("Environment") != template.suffix
    return missing or (["Environment"] if other else [])


def _has_name(template: Template, tags: dict[str, Any]) -> bool:
    name = str(tags.get("Name", ""))
    return name.startswith(template.prefix) and name.endswith(f"-{template.suffix}")


@rule(
    why="A resource without tags has no owner, no cost centre and no match in tag conditions",
    remedy="Set tags=context.name_tag('resource-type'); the provider adds the common tags",
    enforced_by=("lib.compute.web_servers.WebServers",),
    severity="medium",
    controls=Controls(nist=("CM-8", "PM-5")),
)
def require_tags(template: Template) -> Violations:
    """Every resource has the common tags and a Name."""
    for provider in listed(template.document["provider"]["aws"]):
        tags = (listed(provider.get("default_tags")) or [{}])[0].get("tags", {})
        if missing := _missing_tags(template, tags):
            yield f"provider.aws: default tags {tags} lack {missing}"
    for resource in template.resources():
        if "tags" in arguments_of(resource.type) and not _has_name(
            template, resource.get("tags", {})
        ):
            yield f"{resource}: Name tag {resource.get('tags', {}).get('Name', '')!r}"
        yield from _propagated_tags(template, resource)


def _propagated_tags(template: Template, resource: Resource) -> Violations:
    """Violations in tags of resources that AWS creates later, without the provider's tags."""
    if resource.type == "aws_autoscaling_group":
        found = listed(resource.get("tag"))
        tags = {one["key"]: one["value"] for one in found if one["propagate_at_launch"] is True}
        if missing := _missing_tags(template, tags):
            yield f"{resource}: the tags {tags} of its instances lack {missing}"
        if not _has_name(template, tags):
            yield f"{resource}: Name tag {tags.get('Name')!r} of its instances"
    if resource.type == "aws_launch_template":
        specified = {
            one["resource_type"]: one["tags"] for one in listed(resource.get("tag_specifications"))
        }
        for kind in ("instance", "volume"):
            tags = specified.get(kind, {})
            if (missing := _missing_tags(template, tags)) or not _has_name(template, tags):
                yield f"{resource}: the tags {tags} of each {kind} lack {missing or 'Name'}"
    if resource.type == "aws_instance":
        for device in listed(resource.get("root_block_device")) or [{}]:
            # The provider adds its default tags here, but not to `volume_tags`.
            if not _has_name(template, device.get("tags", {})):
                yield f"{resource}: tags {device.get('tags')} of the root volume"


class Duplicate(NamedTuple):
    """A physical name of several resources, and their construct paths with the stack."""

    type: str
    name: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.paths)}: the same name {self.name!r} ({self.type})"


# The argument that contains the physical name, by resource type; of other types `name`.
NAME_ARGUMENTS = {
    "aws_cloudwatch_composite_alarm": "alarm_name",
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_log_resource_policy": "policy_name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_db_instance": "identifier",
    "aws_key_pair": "key_name",
    "aws_lambda_function": "function_name",
    "aws_rds_cluster": "cluster_identifier",
    "aws_rds_cluster_instance": "identifier",
    "aws_s3_bucket": "bucket",
}
# Types whose names are unique only within the resource that they belong to.
NAMES_OF_PARTS = {
    *("aws_api_gateway_authorizer", "aws_api_gateway_model", "aws_api_gateway_request_validator"),
    *("aws_autoscaling_policy", "aws_cloudwatch_log_metric_filter", "aws_cloudwatch_log_stream"),
    *("aws_config_configuration_recorder_status", "aws_iam_role_policy", "aws_route53_record"),
}
_REFERENCE = re.compile(r"\$\{(?:data\.)?(\w+)\.[\w-]+\.([^}]*)\}")


def duplicate_physical_names(templates: Iterable[Template]) -> list[Duplicate]:
    """The physical names that several resources of the same type have, in one stack or in several.

    A stack without a prefix of its own has the names of the platform stack; deploying both would
    fail, or change resources of the other.
    """
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for template in templates:
        for resource in template.resources():
            name = resource.get(NAME_ARGUMENTS.get(resource.type, "name"))
            if resource.type in NAMES_OF_PARTS or not isinstance(name, str):
                continue
            if re.fullmatch(r"\$\{[^}]*\}", name):
                continue  # the name of another resource
            # The address in a reference differs between stacks, the value does not.
            comparable = _REFERENCE.sub(r"${\1.\2}", name)
            # Providers of one stack may be for several accounts or Regions.
            provider = str(resource.get("provider", ""))
            found[resource.type, comparable, provider].append(f"{template.stack}/{resource.path}")
    return [
        Duplicate(type_, name, tuple(paths))
        for (type_, name, _), paths in found.items()
        if len(paths) > 1
    ]
