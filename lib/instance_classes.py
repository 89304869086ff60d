"""The DB instance classes of each engine, as data for synthesis and for the emulator.

botocore's models do not list them. The classes are those of the PostgreSQL versions in standard
support; whether a Region offers a class is known during the apply only.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.DBInstanceClass.SupportAurora.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
"""

from __future__ import annotations

from lib.end_of_support import AURORA, POSTGRES

_SMALL = ("micro", "small", "medium", "large", "xlarge", "2xlarge")
_UP_TO_16 = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_UP_TO_24 = (*_UP_TO_16, "24xlarge")
_UP_TO_32 = (*_UP_TO_24, "32xlarge")
_UP_TO_48 = (*_UP_TO_24, "48xlarge")
_UP_TO_96 = (*_UP_TO_24, "32xlarge", "48xlarge", "96xlarge")

# The sizes of each family; Aurora Serverless (db.serverless) needs a scaling configuration, which
# the constructs do not have.
INSTANCE_CLASSES: dict[str, dict[str, tuple[str, ...]]] = {
    AURORA: {
        "t3": ("medium", "large"),
        "t4g": ("medium", "large"),
        "r5": _UP_TO_24,
        "r6g": _UP_TO_16,
        "r6gd": _UP_TO_16,
        "r6i": _UP_TO_32,
        "r6id": _UP_TO_32,
        "r7g": _UP_TO_16,
        "r7i": _UP_TO_48,
        "r8g": _UP_TO_48,
        "r8gd": _UP_TO_48,
        "r8i": _UP_TO_96,
        "x2g": _UP_TO_16,
    },
    POSTGRES: {
        "t3": _SMALL,
        "t4g": _SMALL,
        "c6gd": ("medium", *_UP_TO_16),
        "m5": _UP_TO_24,
        "m5d": _UP_TO_24,
        "m6g": _UP_TO_16,
        "m6gd": _UP_TO_16,
        "m6i": _UP_TO_32,
        "m6id": _UP_TO_32,
        "m6idn": _UP_TO_32,
        "m6in": _UP_TO_32,
        "m7g": _UP_TO_16,
        "m7i": _UP_TO_48,
        "m8g": _UP_TO_48,
        "m8gd": _UP_TO_48,
        "m8i": _UP_TO_96,
        "r5": _UP_TO_24,
        "r5b": _UP_TO_24,
        "r5d": _UP_TO_24,
        "r6g": _UP_TO_16,
        "r6gd": _UP_TO_16,
        "r6i": _UP_TO_32,
        "r6id": _UP_TO_32,
        "r6idn": _UP_TO_32,
        "r6in": _UP_TO_32,
        "r7g": _UP_TO_16,
        "r7i": _UP_TO_48,
        "r8g": _UP_TO_48,
        "r8gd": _UP_TO_48,
        "r8i": _UP_TO_96,
        "x2g": _UP_TO_16,
        "x2iedn": ("xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge", "24xlarge", "32xlarge"),
    },
}


def supports(engine: str, instance_class: str) -> bool:
    """Whether an engine has a DB instance class such as db.t4g.medium; True for other engines."""
    families = INSTANCE_CLASSES.get(engine)
    if families is None:
        return True
    prefix, _, rest = instance_class.partition(".")
    family, _, size = rest.partition(".")
    return prefix == "db" and size in families.get(family, ())


def description(engine: str) -> str:
    """The accepted classes of an engine in one phrase."""
    families = (
        f"{family} ({', '.join(sizes)})" if family.startswith("t") else family
        for family, sizes in INSTANCE_CLASSES[engine].items()
    )
    return "a DB instance class such as db.t4g.medium or db.r6g.large, of the family " + ", ".join(
        families
    )
