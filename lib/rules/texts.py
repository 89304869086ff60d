"""Rules about texts and ARNs that AWS accepts; ``terraform plan`` does not verify them."""

from __future__ import annotations

import re

from lib.aws_constraints import TEXT_CONSTRAINTS, select
from lib.rules.registry import Controls, Violations, rule
from lib.template import Resource, Template, listed, strings

# A reference of Terraform, with one level of braces inside it.
_REFERENCE = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")


# The beginning of the ARN of a regional resource; the Region may be a reference or a pattern.
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2,}(?:-[a-z]+)+-[0-9]+):")
# Arguments that accept an ARN of another Region, with the reason.
OTHER_REGIONS = {
    (
        "aws_sns_topic_subscription",
        "endpoint",
    ): "SNS delivers to queues and functions of any Region",
}


@rule(
    why="AWS rejects the text during the apply, after other resources have been created",
    remedy="Change the text to an accepted one",
    # Information input validation.
    controls=Controls(nist=("SI-10",)),
    suppressible=False,
)
def require_accepted_text(template: Template) -> Violations:
    """Names and descriptions have the characters and the length that AWS accepts."""
    for constraint in TEXT_CONSTRAINTS:
        for type_, argument, operation in constraint.arguments:
            for resource in template.resources(type_):
                for path, text in select(resource.body, argument):
                    if not isinstance(text, str):
                        continue
                    # A reference counts as one digit: its value is unknown until the apply.
                    problem = constraint.problem(_REFERENCE.sub("0", text))
                    if problem and not _REFERENCE.fullmatch(text):
                        yield (
                            f"{resource}: {path}: received {text!r}; accepted: {problem}"
                            f" ({constraint.name} of {constraint.member_of(operation)},"
                            f" {constraint.source})"
                        )


@rule(
    why="AWS services do not find a resource of another Region; the apply fails, or the calls do",
    remedy="Use the ARN of a resource in the Region of the stack",
    controls=Controls(nist=("SI-10",)),
)
def require_arns_of_the_region(template: Template) -> Violations:
    """ARNs of regional resources are in the Region of the provider."""
    regions = _regions_of_providers(template)
    for resource in (*template.resources(), *template.data_sources()):
        region = regions.get(_provider(resource))
        for argument, text in strings(resource.body):
            if region is None or (resource.type, argument) in OTHER_REGIONS:
                continue
            for other in sorted({*_ARN.findall(text)} - {region}):
                yield f"{resource}: {argument}: contains an ARN of {other}, not of {region}"


def _regions_of_providers(template: Template) -> dict[str, str]:
    """The Region of each AWS provider by its name in resources, where the value is known."""
    found = {}
    for provider in listed(template.document.get("provider", {}).get("aws")):
        alias, region = provider.get("alias"), provider.get("region", "")
        if region and not region.startswith("${"):
            found[f"aws.{alias}" if alias else "aws"] = region
    return found


def _provider(resource: Resource) -> str:
    """The provider of a resource, such as aws or aws.peer."""
    return str(resource.get("provider") or "aws").strip("${}")
