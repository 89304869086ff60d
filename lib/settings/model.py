"""The settings of a deployment: typed, validated and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lib.settings.fields import (
    PARTITIONS,
    CommaList,
    FieldError,
    KeyArn,
    Region,
    Section,
)
from lib.settings.regions import REGIONS
from lib.settings.sections import (
    BastionSettings,
    DatabaseSettings,
    MonitoringSettings,
    PostgresSettings,
    ProcessingSettings,
    StorageSettings,
    TagSettings,
    WebSettings,
)
from lib.settings.vpc import NetworkSettings, first_zones

# The section that contains the network of each stack.
NETWORKS = {"tap": "network", "bastion": "bastion", "web": "web"}


class Settings(Section):
    """All settings of a deployment. Frozen; created by `load_settings()`."""

    environment_suffix: Annotated[
        str, Field(pattern=r"^[a-z0-9](?:-?[a-z0-9])*$", max_length=20)
    ] = Field(
        "dev",
        description="1 to 20 lower-case letters, digits and single hyphens, such as dev or pr123",
    )
    aws_region: Region = Field("us-east-1", description="an AWS Region such as us-east-1")
    stacks: Annotated[tuple[str, ...], CommaList, Field(min_length=1)] = Field(
        ("tap",), description="stacks separated by commas"
    )
    terraform_state_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = (
        Field(description="the name of an S3 bucket (3 to 63 of a-z, 0-9, - and .)")
    )
    terraform_state_bucket_region: Region = Field(
        "us-east-1", description="an AWS Region such as us-east-1"
    )
    terraform_state_kms_key_arn: KeyArn | None = Field(None, description="the ARN of a KMS key")
    tags: TagSettings = Field(default_factory=TagSettings)
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    processing: ProcessingSettings = Field(default_factory=ProcessingSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)
    bastion: BastionSettings = Field(default_factory=BastionSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    web_database: PostgresSettings = Field(default_factory=PostgresSettings)

    @staticmethod
    def partition_of(region: str) -> str:
        """The AWS partition of a Region: aws or aws-us-gov."""
        return REGIONS[region]

    @model_validator(mode="before")
    @classmethod
    def _regional_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        # An unknown Region is one error, not one more for each value that depends on it.
        def known(region: object) -> str:
            found = isinstance(region, str) and REGIONS.get(region) in PARTITIONS
            return str(region) if found else "us-east-1"

        region = known(values.get("aws_region", "us-east-1"))
        filled = {"terraform_state_bucket_region": region, **values}
        for section, default in (
            ("network", region),
            ("bastion", BastionSettings.model_fields["region"].default),
            ("web", region),
        ):
            given = values.get(section, {})
            if isinstance(given, Mapping):
                own = {} if section == "network" else {"region": default}
                zones = first_zones(known(given.get("region", default)))
                filled[section] = {"availability_zones": zones, **own, **given}
        return filled

    @model_validator(mode="after")
    def _queue_and_function(self) -> Self:
        processing = self.processing
        reserved, maximum = processing.reserved_concurrency, processing.maximum_concurrency
        # -1 reserves no concurrency; 0 stops the function and its event source.
        if 0 < reserved < maximum:
            raise FieldError(
                "processing.maximum_concurrency",
                maximum,
                f"a number up to {reserved}, the value of processing.reserved_concurrency",
                "Lower it, or raise TAP_PROCESSING_RESERVED_CONCURRENCY.",
            )
        if processing.batch_size > 10 and processing.batching_window_seconds < 1:
            raise FieldError(
                "processing.batch_size",
                processing.batch_size,
                "a number up to 10 without a batching window",
                "Lower it, or set TAP_PROCESSING_BATCHING_WINDOW_SECONDS.",
            )
        return self

    @model_validator(mode="after")
    def _networks(self) -> Self:
        for stack, section in NETWORKS.items():
            if stack in self.stacks:
                network = getattr(self, section)
                network.check(section, getattr(network, "region", self.aws_region))
        return self

    @model_validator(mode="after")
    def _bastion_access(self) -> Self:
        bastion = self.bastion
        if "bastion" in self.stacks and bastion.ssh and bastion.public_key is None:
            raise FieldError(
                "bastion.public_key",
                None,
                BastionSettings.model_fields["public_key"].description or "",
                'Set TAP_BASTION_PUBLIC_KEY="$(cat ~/.ssh/id_ed25519.pub)", or'
                " TAP_BASTION_SSH=false for Session Manager only.",
            )
        return self

    @model_validator(mode="after")
    def _certificate(self) -> Self:
        web = self.web
        if "web" not in self.stacks:
            return self
        if web.domain_name is None:
            raise FieldError(
                "web.domain_name", None, WebSettings.model_fields["domain_name"].description or ""
            )
        if web.hosted_zone_id is None and web.certificate_arn is None:
            raise FieldError(
                "web.certificate_arn",
                None,
                f"the ARN of an ACM certificate for {web.domain_name}, or web.hosted_zone_id, which"
                " creates a certificate",
                "Set TAP_WEB_HOSTED_ZONE_ID or TAP_WEB_CERTIFICATE_ARN.",
            )
        arn = web.certificate_arn
        if arn and arn.split(":")[3] != web.region:
            raise FieldError(
                "web.certificate_arn",
                arn,
                f"a certificate in {web.region}, the Region of the stack",
            )
        return self
