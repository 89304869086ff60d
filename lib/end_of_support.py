"""Ends of support of the components that the platform uses, as data.

Synthesis, the plan review, the emulator, `tap check-dates` and docs/maintenance.md read
``ENDS_OF_SUPPORT``. Dates are the last day of support. From ``WARNING_DAYS`` before the end there
is a warning, after the end an error, unless the row has a reason in ``accepted``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

WARNING_DAYS = 60
REFERENCE_DATE = "REFERENCE_DATE"
AURORA, POSTGRES, LAMBDA = "aurora-postgresql", "postgres", "lambda"
DISABLED_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
EXTENDED_SUPPORT = "open-source-rds-extended-support"

_AURORA_CALENDAR = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/"
    "aurorapostgresql-release-calendar.html"
)
_RDS_CALENDAR = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/"
    "postgresql-release-calendar.html"
)
_AMAZON_LINUX = "https://aws.amazon.com/amazon-linux-2/faqs/"


class ReferenceDateError(ValueError):
    """The environment variable REFERENCE_DATE does not contain a date."""


@dataclass(frozen=True, kw_only=True)
class EndOfSupport:
    """The last day on which a version of a product is supported.

    ``effect`` states what happens afterwards, ``remedy`` is an imperative sentence. ``accepted`` is
    the reason why the version stays in use after its end: a warning instead of an error.
    """

    product: str
    version: str
    name: str
    end: date
    effect: str
    remedy: str
    source: str
    accepted: str = ""

    def days_left(self, today: date) -> int:
        """Days until the last day of support; negative after it."""
        return (self.end - today).days

    def has_ended(self, today: date) -> bool:
        """Whether the last day of support has passed and no reason accepts it."""
        return self.days_left(today) < 0 and not self.accepted

    def needs_warning(self, today: date) -> bool:
        """Whether the end is near, or has passed for an accepted reason."""
        return self.days_left(today) <= WARNING_DAYS and not self.has_ended(today)

    def describe(self, today: date) -> str:
        """When the support ends or ended, and what follows: a clause without a full stop."""
        days = self.days_left(today)
        if days < 0:
            return f"the support of {self.name} ended on {self.end}: {self.effect}"
        return f"the support of {self.name} ends on {self.end}, in {days} days: {self.effect}"


def _aurora(version: str, end: date, note: str = "") -> EndOfSupport:
    return EndOfSupport(
        product=AURORA,
        version=version,
        name=f"Aurora PostgreSQL {version}{note}",
        end=end,
        effect="afterwards AWS rejects its creation and upgrades clusters, and Terraform plans a"
        " downgrade",
        remedy="Set TAP_DATABASE_ENGINE_VERSION",
        source=_AURORA_CALENDAR,
    )


def _major(version: str, end: date) -> Iterator[EndOfSupport]:
    for product, name, variable, source in (
        (AURORA, "Aurora PostgreSQL", "TAP_DATABASE", _AURORA_CALENDAR),
        (POSTGRES, "RDS for PostgreSQL", "TAP_WEB_DATABASE", _RDS_CALENDAR),
    ):
        yield EndOfSupport(
            product=product,
            version=version,
            name=f"{name} {version}",
            end=end,
            effect="afterwards AWS rejects its creation and upgrades databases, or bills Extended"
            " Support",
            remedy=f"Set {variable}_ENGINE_VERSION, or {variable}_EXTENDED_SUPPORT=true",
            source=source,
        )


ENDS_OF_SUPPORT: tuple[EndOfSupport, ...] = (
    _aurora("16.8", date(2029, 2, 28), " (long-term support)"),
    _aurora("16.9", date(2026, 12, 31)),
    _aurora("16.10", date(2027, 4, 30)),
    _aurora("16.11", date(2027, 5, 31)),
    _aurora("16.13", date(2027, 9, 30)),
    _aurora("16.14", date(2027, 12, 31)),
    *_major("13", date(2026, 2, 28)),
    *_major("14", date(2027, 2, 28)),
    *_major("15", date(2028, 2, 29)),
    *_major("16", date(2029, 2, 28)),
    EndOfSupport(
        product=LAMBDA,
        version="python3.11",
        name="Python 3.11 as a Lambda runtime",
        end=date(2027, 6, 30),
        effect="afterwards the runtime gets no security updates, and Lambda rejects new functions",
        remedy="Change RUNTIME in lib/compute/function.py",
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    ),
    EndOfSupport(
        product="amazon-linux",
        version="2",
        name="Amazon Linux 2",
        end=date(2026, 6, 30),
        effect="it gets no security updates",
        remedy="Set TAP_BASTION_AMAZON_LINUX=2023",
        source=_AMAZON_LINUX,
        accepted="the default of the bastion by requirement",
    ),
    EndOfSupport(
        product="amazon-linux",
        version="2023",
        name="Amazon Linux 2023",
        end=date(2029, 6, 30),
        effect="it gets no security updates",
        remedy="Change the image names in lib/compute",
        source="https://aws.amazon.com/linux/amazon-linux-2023/faqs/",
    ),
    EndOfSupport(
        product="cdktf",
        version="0.21",
        name="CDK for Terraform",
        end=date(2025, 12, 10),
        effect="the project is archived",
        remedy="Follow docs/decisions/0016-after-cdktf.md",
        source="https://github.com/hashicorp/terraform-cdk",
        accepted="the maintained fork is compared in each run of the checks"
        " (docs/decisions/0016-after-cdktf.md)",
    ),
    EndOfSupport(
        product="node",
        version="20",
        name="Node.js 20",
        end=date(2026, 4, 30),
        effect="it gets no security updates",
        remedy="Install Node.js 22",
        source="https://github.com/nodejs/release",
        accepted="development machines may have it; the workflows use Node.js 22",
    ),
    EndOfSupport(
        product="node",
        version="22",
        name="Node.js 22",
        end=date(2027, 4, 30),
        effect="it gets no security updates",
        remedy="Change the check in the Makefile and the version in the workflows",
        source="https://github.com/nodejs/release",
    ),
    EndOfSupport(
        product="python",
        version="3.11",
        name="Python 3.11",
        end=date(2027, 10, 31),
        effect="it gets no security updates",
        remedy="Change the check in the Makefile, pyproject.toml and the workflows",
        source="https://devguide.python.org/versions/",
    ),
)
_BY_VERSION = {(one.product, one.version): one for one in ENDS_OF_SUPPORT}


def today() -> date:
    """The date in the variable REFERENCE_DATE, which tests set, else the current date (UTC)."""
    given = os.environ.get(REFERENCE_DATE)
    if not given:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ReferenceDateError(
            f"{REFERENCE_DATE}: received {given!r}; accepted: a date such as 2026-11-25. Correct or"
            " unset it."
        ) from None


def find(product: str, version: str) -> EndOfSupport | None:
    """The row of a version; None if its end is not known."""
    return _BY_VERSION.get((product, version))


def find_engine(engine: str, version: str, *, extended: bool = False) -> EndOfSupport | None:
    """The row that ends first: of an engine's minor version, or of its major version.

    With `extended` the major version is in RDS Extended Support after its standard support, which
    does not extend the support of minor versions.
    """
    major, _, minor = version.partition(".")
    rows = [find(engine, version) if minor else None, None if extended else find(engine, major)]
    return min((row for row in rows if row), key=lambda row: row.end, default=None)


def supported_versions(product: str, today: date) -> list[str]:
    """The versions of a product in the table whose support has not ended."""
    rows = (one for one in ENDS_OF_SUPPORT if one.product == product)
    return [one.version for one in rows if not one.has_ended(today)]


def of_resource(
    type_: str, arguments: Mapping[str, Any]
) -> tuple[str, EndOfSupport] | tuple[None, None]:
    """The argument that sets the version of a resource or data source of Terraform, and its row."""
    argument, row = None, None
    if type_ in ("aws_rds_cluster", "aws_db_instance"):
        argument = "engine_version"
        # AWS enables Extended Support unless it is disabled.
        extended = arguments.get("engine_lifecycle_support") != DISABLED_EXTENDED_SUPPORT
        row = find_engine(
            str(arguments.get("engine")), str(arguments.get(argument)), extended=extended
        )
    elif type_ == "aws_lambda_function":
        argument = "runtime"
        row = find(LAMBDA, str(arguments.get(argument)))
    elif type_ == "aws_ssm_parameter" and "/ami-amazon-linux-latest/amzn2-" in str(
        arguments.get("name")
    ):
        argument, row = "name", find("amazon-linux", "2")
    return (argument, row) if argument and row else (None, None)
