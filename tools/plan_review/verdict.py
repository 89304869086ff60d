"""The rules of the verdict, in one table: what stops a plan, what wants a look, what is safe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How a plan is judged; the worst of its findings decides."""

    SAFE = 0
    LOOK = 1
    STOP = 2

    @property
    def exit_code(self) -> int:
        """What `make plan-review` hands to a gate: 0, 2 or 3 (1 is an error)."""
        return {Level.SAFE: 0, Level.LOOK: 2, Level.STOP: 3}[self]


@dataclass(frozen=True)
class Rule:
    """One reason for a verdict: its name, how grave it is, and its words in the report."""

    name: str
    level: Level
    says: str
    about: str


_ROWS = (
    (
        *("stateful-destroyed", Level.STOP, "what holds data is destroyed"),
        "a database, bucket, key, secret, log group, file system, volume, snapshot, queue, table,"
        " stream, registry, user pool or hosted zone is destroyed",
    ),
    (
        *("stateful-replaced", Level.STOP, "what holds data is replaced"),
        "one of these is destroyed and made anew, empty",
    ),
    (
        *("open-ingress", Level.STOP, "ingress from everywhere"),
        "a security group or network ACL lets in 0.0.0.0/0, ::/0 or a network nearly as large",
    ),
    (
        *("public", Level.STOP, "open to the public"),
        "a public database, bucket, snapshot, image or function address; a block of public access"
        " taken away; a resource policy that allows everyone without a condition that says whom",
    ),
    (
        *("wildcard-allow", Level.STOP, "everything is allowed"),
        "a statement allows every action, or a whole service's on every resource; NotAction on"
        " every resource; AWS's policies AdministratorAccess, PowerUserAccess and IAMFullAccess",
    ),
    (
        *("key-disabled", Level.STOP, "a key is disabled"),
        "a KMS key is no longer enabled: what it encrypted cannot be read",
    ),
    (
        *("encryption-off", Level.STOP, "encryption is turned off"),
        "encryption at rest or in transit is turned off, its key is taken away, or a database,"
        " volume or file system is made without it",
    ),
    (
        *("suppressed", Level.LOOK, "open by a suppression in the code"),
        "one of the above, where the code beside the resource gives the reason (the suppression"
        " restrict_ingress, or one of that rule's checks)",
    ),
    (
        *("access-widened", Level.LOOK, "access is widened"),
        "something is allowed that was not, or no longer denied: statements, rules, routes,"
        " attachments, public addresses, a permissions boundary that goes",
    ),
    (
        *("access-changed", Level.LOOK, "IAM or policies change"),
        "IAM or a resource policy is otherwise changed, made or taken away",
    ),
    (
        *("access-unknown", Level.LOOK, "access is known after the apply only"),
        "neither plan nor code says what a policy or rule will be",
    ),
    (
        *("replaced", Level.LOOK, "replaced"),
        "anything else is destroyed and made anew",
    ),
    (
        *("destroyed", Level.LOOK, "destroyed"),
        "anything else is destroyed",
    ),
    (
        *("forgotten", Level.LOOK, "no longer managed"),
        "Terraform lets go of a resource, which stays",
    ),
    (
        *("protection-lowered", Level.LOOK, "protection is lowered"),
        "backups or logs are kept for a shorter time, versions, log validation, deletion"
        " protection, Multi-AZ or key rotation are turned off, destruction is made easier",
    ),
    (
        *("secret-changed", Level.LOOK, "a secret gets a new value"),
        "a sensitive value changes, or the version of one that Terraform does not keep",
    ),
    (
        *("cost-up", Level.LOOK, "costs more"),
        "a size, count or storage grows or changes its family; a NAT gateway, address, balancer,"
        " database, instance, cache, endpoint or the like is added",
    ),
    (
        *("changed-outside", Level.LOOK, "changed outside Terraform"),
        "what is deployed is not what Terraform left; `make drift` says more",
    ),
    (
        *("incomplete", Level.LOOK, "the plan is incomplete"),
        "Terraform deferred some of it",
    ),
    (
        *("access-narrowed", Level.SAFE, "access is narrowed"),
        "rules or routes go, or let through less",
    ),
    (
        *("cost-down", Level.SAFE, "costs less"),
        "a size, count or storage shrinks; something listed above is taken away",
    ),
)

RULES = {row[0]: Rule(*row) for row in _ROWS}


def table() -> str:
    """The rules as a Markdown table, for the documentation."""
    marks = {Level.STOP: "stop", Level.LOOK: "look", Level.SAFE: "safe"}
    rows = [f"| {marks[rule.level]} | {rule.says} | {rule.about} |" for rule in RULES.values()]
    rest = "| safe | (counted) | everything else: what is made, and settings that are changed |"
    noise = (
        "| safe | (folded) | known noise: tags only; the same in another order or other writing;"
        " what is computed anew |"
    )
    return "\n".join(["| verdict | said as | when |", "|---|---|---|", *rows, rest, noise])
