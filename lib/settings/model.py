"""The settings of a deployment: typed, validated and frozen."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from lib.end_of_support import today
from lib.settings.fields import (
    PARTITIONS,
    AccountId,
    BucketName,
    CommaList,
    EnvironmentSuffix,
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
from lib.settings.vpc import NetworkSettings
from lib.stacks import STACKS
from lib.zones import default_zones

# Settings that contain the ARN of a regional resource, with the stack that uses it and the setting
# that contains its Region. AWS uses secrets, certificates and keys in their own Region only.
REGIONAL_ARNS = (
    ("tap", "database.existing_secret_arn", "aws_region"),
    ("web", "web_database.existing_secret_arn", "web.region"),
    ("web", "web.certificate_arn", "web.region"),
    ("web", "web.api_certificate_arn", "web.region"),
    # All stacks write to the state bucket.
    ("", "terraform_state_kms_key_arn", "terraform_state_bucket_region"),
)
# The stacks with an alarm topic.
STACKS_WITH_ALARMS = ("tap", "bastion", "web")
# https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
CERTIFICATE_NAME_LENGTH = 64
# The section that contains the network of each stack.
NETWORKS = {"tap": "network", "bastion": "bastion", "web": "web"}
# The section that contains the database of each stack.
DATABASES = {"tap": "database", "web": "web_database"}


def _known_stacks(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in STACKS]
    if names and not unknown:
        return names
    closest = get_close_matches(unknown[0], list(STACKS), n=1) if unknown else []
    raise FieldError(
        "",
        names,
        f"names among {', '.join(STACKS)}, separated by commas",
        f"Replace {unknown[0]!r} by {closest[0]}." if closest else "",
    )


class Settings(Section):
    """All settings of a deployment. Frozen; created by `load_settings()`."""

    environment_suffix: EnvironmentSuffix = Field(
        "dev",
        description="1 to 20 lower-case letters, digits and single hyphens, such as dev or pr123",
    )
    aws_region: Region = Field("us-east-1", description="an AWS Region such as us-east-1")
    aws_account_id: AccountId | None = Field(
        None,
        description="the 12 digits of the AWS account of the environment; the provider refuses the"
        " credentials of any other account",
    )
    stacks: Annotated[tuple[str, ...], CommaList, AfterValidator(_known_stacks)] = Field(
        ("tap",), description=f"names among {', '.join(STACKS)}, separated by commas"
    )
    terraform_state_bucket: BucketName = Field(
        description="the name of an S3 bucket (3 to 63 of a-z, 0-9, - and .), or none with an"
        " account id"
    )
    terraform_state_bucket_region: Region = Field(
        "us-east-1", description="an AWS Region such as us-east-1"
    )
    terraform_state_kms_key_arn: KeyArn | None = Field(None, description="the ARN of a KMS key")
    production: bool = Field(
        False, description="true or false: with true, alarms must have a receiver"
    )
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
        if account := values.get("aws_account_id"):
            # With the account id no other account has taken the name.
            suffix = values.get("environment_suffix", "dev")
            filled.setdefault("terraform_state_bucket", f"terraform-state-{suffix}-{account}")
        for section, default in (
            ("network", region),
            ("bastion", BastionSettings.model_fields["region"].default),
            ("web", region),
        ):
            given = values.get(section, {})
            if isinstance(given, Mapping):
                own = {} if section == "network" else {"region": default}
                zones = default_zones(known(given.get("region", default)))
                filled[section] = {"availability_zones": zones, **own, **given}
        return filled

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the settings leave without effect, one line each; synthesis prints them."""
        if not self._lacks_receiver:
            return ()
        return (
            "TAP_MONITORING_ALARM_EMAIL: received nothing; accepted: an e-mail address, or"
            " TAP_MONITORING_ALARM_SUBSCRIBERS. The alarms of this environment have no receiver"
            " until one of them is set.",
        )

    @property
    def _lacks_receiver(self) -> bool:
        return bool({*STACKS_WITH_ALARMS} & {*self.stacks}) and not self.monitoring.has_receiver

    @model_validator(mode="after")
    def _alarms_have_a_receiver(self) -> Self:
        if self.production and self._lacks_receiver:
            raise FieldError(
                "monitoring.alarm_email",
                None,
                "an e-mail address, or monitoring.alarm_subscribers, because production is true",
                "Set TAP_MONITORING_ALARM_EMAIL, TAP_MONITORING_ALARM_SUBSCRIBERS or"
                f" alarm_email under [monitoring] in config/{self.environment_suffix}.toml.",
            )
        return self

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
    def _engine_support(self) -> Self:
        for stack, section in DATABASES.items():
            if stack in self.stacks:
                getattr(self, section).check_support(section, today())
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
        return self

    @model_validator(mode="after")
    def _api_domain(self) -> Self:
        web = self.web
        if "web" not in self.stacks or web.api_domain is None:
            return self
        if web.api_domain == web.domain_name:
            raise FieldError(
                "web.api_domain_name",
                web.api_domain,
                "another name than web.domain_name, which resolves to the load balancer",
            )
        if web.hosted_zone_id is None and web.api_certificate_arn is None:
            raise FieldError(
                "web.api_certificate_arn",
                None,
                f"the ARN of an ACM certificate for {web.api_domain}, or web.hosted_zone_id, which"
                " creates a certificate",
                "Set TAP_WEB_API_CERTIFICATE_ARN or TAP_WEB_HOSTED_ZONE_ID.",
            )
        if web.api_certificate_arn is None and len(web.api_domain) > CERTIFICATE_NAME_LENGTH:
            raise FieldError(
                "web.api_domain_name",
                web.api_domain,
                f"a name of at most {CERTIFICATE_NAME_LENGTH} characters, the limit of ACM",
            )
        return self

    @model_validator(mode="after")
    def _regional_arns(self) -> Self:
        for stack, path, region_path in REGIONAL_ARNS:
            arn, region = self._value(path), self._value(region_path)
            if arn is None or (stack and stack not in self.stacks):
                continue
            _, partition, _, arn_region, *_ = str(arn).split(":")
            if (partition, arn_region) != (self.partition_of(str(region)), region):
                raise FieldError(
                    path,
                    arn,
                    f"an ARN in {region}, the value of {region_path}",
                    "Correct the ARN or the Region.",
                )
        return self

    def _value(self, path: str) -> object:
        """The value of a field: `aws_region`, or `web.region` within a section."""
        return functools.reduce(getattr, path.split("."), self)
