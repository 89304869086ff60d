"""The registry of the review rules. A new rule is a new row."""

from __future__ import annotations

from tools.plan_review.checks import access, costs, lifecycle, plan, secrets, settings
from tools.plan_review.findings import Level, Rule, Section

_ROWS = (
    Rule(
        *("stateful-destroyed", Level.STOP, Section.LIFECYCLE, "stateful resource destroyed"),
        "a database, bucket, key, secret, log group, file system, volume, snapshot, queue, table,"
        " stream, registry, user pool or hosted zone is destroyed",
        checks=(lifecycle.destroyed_or_replaced,),
    ),
    Rule(
        *("stateful-replaced", Level.STOP, Section.LIFECYCLE, "stateful resource replaced"),
        "one of these is destroyed and created again without its data",
        checks=(lifecycle.destroyed_or_replaced,),
    ),
    Rule(
        *("public-ingress", Level.STOP, Section.ACCESS, "ingress from the internet"),
        "a security group or network ACL allows ingress from 0.0.0.0/0, ::/0 or a range of similar"
        " size",
        checks=(access.changed_access,),
        suppressed_by=(
            *("restrict_ingress", "CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260"),
            "CKV_AWS_277",
        ),
    ),
    Rule(
        *("public", Level.STOP, Section.ACCESS, "public access"),
        "a database, bucket, snapshot, image or function URL becomes public; a public access block"
        " is removed; a resource policy allows every principal without a condition that restricts"
        " them",
        checks=(
            *(access.changed_access, settings.violating_settings, settings.destroyed_safeguards),
        ),
        suppressed_by=(
            *("no_public_access", "no_anonymous_principals", "CKV_AWS_17", "CKV_AWS_53"),
            *("CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "CKV_AWS_70", "CKV_AWS_258"),
        ),
    ),
    Rule(
        *("wildcard-permissions", Level.STOP, Section.ACCESS, "wildcard permissions"),
        "a statement allows every action, or all actions of a service on every resource; NotAction"
        " on every resource; the AWS managed policies AdministratorAccess, PowerUserAccess and"
        " IAMFullAccess",
        checks=(access.changed_access,),
        suppressed_by=("no_wildcard_permissions", "CKV_AWS_62", "CKV_AWS_63"),
    ),
    Rule(
        *("key-disabled", Level.STOP, Section.PROTECTION, "KMS key disabled"),
        "a KMS key is disabled, so that the data it encrypts cannot be read",
        checks=(settings.violating_settings,),
    ),
    Rule(
        *("encryption-disabled", Level.STOP, Section.PROTECTION, "encryption disabled"),
        "encryption at rest or in transit is turned off, its key is removed, or a database, volume"
        " or file system is created without it",
        checks=(settings.violating_settings, settings.destroyed_safeguards),
        suppressed_by=(
            *("require_encryption_at_rest", "require_bucket_encryption", "CKV_AWS_3"),
            *("CKV_AWS_16", "CKV_AWS_96"),
        ),
    ),
    Rule(
        *("suppressed", Level.LOOK, Section.ACCESS, "suppressed in the code"),
        "one of the rules above applies, and the source suppresses it for this resource with a"
        " reason, by the name of our rule (such as `restrict_ingress`) or of a checkov check",
    ),
    Rule(
        *("access-widened", Level.LOOK, Section.ACCESS, "access widened"),
        "something is allowed that was not allowed, or no longer denied: statements, network rules,"
        " routes, attachments, public addresses, a permissions boundary that is removed",
        checks=(access.changed_access, settings.violating_settings),
    ),
    Rule(
        *("access-changed", Level.LOOK, Section.ACCESS, "IAM or policy changed"),
        "IAM or a resource policy is created, changed or removed otherwise",
        checks=(access.changed_access,),
    ),
    Rule(
        *("access-unknown", Level.LOOK, Section.ACCESS, "access known after the apply only"),
        "neither the plan nor the source contains a policy or network rule",
        checks=(access.changed_access,),
    ),
    Rule(
        *("replaced", Level.LOOK, Section.LIFECYCLE, "resource replaced"),
        "any other resource is destroyed and created again",
        checks=(lifecycle.destroyed_or_replaced,),
    ),
    Rule(
        *("destroyed", Level.LOOK, Section.LIFECYCLE, "resource destroyed"),
        "any other resource is destroyed",
        checks=(lifecycle.destroyed_or_replaced,),
    ),
    Rule(
        *("forgotten", Level.LOOK, Section.LIFECYCLE, "resource no longer managed"),
        "Terraform removes a resource from the state and does not destroy it",
        checks=(lifecycle.destroyed_or_replaced,),
    ),
    Rule(
        *("protection-reduced", Level.LOOK, Section.PROTECTION, "protection reduced"),
        "backups or logs are kept for a shorter time; versioning, log file validation, deletion"
        " protection, Multi-AZ or key rotation is turned off; a resource can be destroyed more"
        " easily",
        checks=(
            *(settings.violating_settings, settings.destroyed_safeguards),
            settings.shorter_retention,
        ),
    ),
    Rule(
        *("secret-changed", Level.LOOK, Section.PROTECTION, "secret changed"),
        "a sensitive value changes, or the version of a write-only value",
        checks=(lifecycle.destroyed_or_replaced, secrets.changed_secrets),
    ),
    Rule(
        *("cost-increased", Level.LOOK, Section.COST, "cost increased"),
        "a size, quantity or storage grows or changes its family; a load balancer, NAT gateway,"
        " address, database, instance, cache, endpoint or similar resource is added",
        checks=(costs.changed_cost,),
    ),
    Rule(
        *("drift", Level.LOOK, Section.PLAN, "changed outside Terraform"),
        "a deployed resource differs from the last apply; `tap drift` reports details",
        plan_checks=(plan.drifted,),
    ),
    Rule(
        *("other-provider", Level.LOOK, Section.PLAN, "resource of another provider"),
        "a resource of a provider other than AWS and random changes; the other rules do not"
        " examine its arguments",
        checks=(lifecycle.other_provider,),
    ),
    Rule(
        *("incomplete", Level.LOOK, Section.PLAN, "incomplete plan"),
        "Terraform deferred some of the changes",
        plan_checks=(plan.incomplete,),
    ),
    Rule(
        *("access-narrowed", Level.SAFE, Section.ACCESS, "access narrowed"),
        "network rules or routes are removed or allow less",
        checks=(access.changed_access,),
    ),
    Rule(
        *("cost-decreased", Level.SAFE, Section.COST, "cost decreased"),
        "a size, quantity or storage becomes smaller; a billed resource is removed",
        checks=(costs.changed_cost,),
    ),
)

RULES = {rule.name: rule for rule in _ROWS}
