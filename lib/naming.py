"""Physical names: `{prefix}{resource-type}-{suffix}`, within the limits of AWS."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Limits below the 63 characters of buckets and RDS identifiers (IAM roles and functions have 64),
# by the last word of the resource type.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
NAME_LIMITS = {"alb": 32, "nlb": 32, "targets": 32, "tg": 32}
NAME_LIMIT = 63


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Creates the names of one system in one environment.

    `suffix` identifies the environment, `system` the system (`tap`, `web`). `prefix` starts every
    physical name, so that systems in one account share none.
    """

    suffix: str
    system: str
    prefix: str = ""

    @property
    def deployment(self) -> str:
        """The system and its environment: `tap-dev`."""
        return f"{self.system}-{self.suffix}"

    def name(self, resource_type: str) -> str:
        """The physical name of a resource; raises `ValueError` where it is too long for AWS."""
        name = f"{self.prefix}{resource_type}-{self.suffix}"
        limit = NAME_LIMITS.get(resource_type.rsplit("-", 1)[-1], NAME_LIMIT)
        if len(name) > limit:
            raise ValueError(
                f"ENVIRONMENT_SUFFIX: received {self.suffix!r}, which results in the name {name!r}"
                f" of {len(name)} characters; accepted: at most {limit}. Choose a shorter suffix."
            )
        return name

    def name_tag(self, resource_type: str) -> dict[str, str]:
        """The Name tag of a resource; the provider adds the common tags to every resource."""
        return {"Name": self.name(resource_type)}

    def extend(self, word: str) -> Naming:
        """The same naming with `word` after the prefix, for a second construct of a kind."""
        return replace(self, prefix=f"{self.prefix}{word}-")
