"""Settings of the stacks `bastion` and `web`."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import Settings, load_settings
from tests.support.synthesis import DEFAULTS, PLACEHOLDERS
from tests.unit.test_settings_errors import rejected

BASTION = PLACEHOLDERS["bastion"] | {"STACKS": "bastion"}
WEB = PLACEHOLDERS["web"] | {"STACKS": "web"}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def loaded(directory: Path, **variables: str) -> Settings:
    """The settings from the variables, with defaults for those that all stacks require."""
    return load_settings(DEFAULTS | variables, directory)


def test_defaults_of_the_bastion_stack(empty_directory: Path) -> None:
    bastion = loaded(empty_directory, **BASTION).bastion
    assert (bastion.region, bastion.cidr) == ("us-west-2", "10.0.0.0/16")
    assert bastion.availability_zones == ("us-west-2a", "us-west-2b")
    assert bastion.subnets("public") == ("10.0.1.0/24", "10.0.2.0/24")
    assert bastion.subnets("private") == ("10.0.10.0/24", "10.0.11.0/24")
    assert bastion.subnets("isolated") == ()
    assert bastion.ssh_cidrs == ("203.0.113.0/24",)
    assert (bastion.instance_type, bastion.amazon_linux, bastion.ssh) == ("t3.micro", "2", True)
    assert bastion.one_nat_gateway is False


def test_defaults_of_the_web_stack(empty_directory: Path) -> None:
    settings = loaded(empty_directory, **WEB)
    web, database = settings.web, settings.web_database
    assert (web.region, web.availability_zones) == ("us-east-1", ("us-east-1a", "us-east-1b"))
    assert web.subnets("isolated") == ("10.0.20.0/24", "10.0.21.0/24")
    assert (web.minimum_instances, web.maximum_instances) == (2, 10)
    assert web.tls_policy == "ELBSecurityPolicy-TLS-1-2-Ext-2018-06"
    assert (web.log_retention_days, web.waf) == (7, True)
    assert database.engine_version == "15"
    assert database.multi_az is True
    assert database.backup_retention_days == 7


def test_default_region_of_the_web_stack_is_that_of_the_platform(empty_directory: Path) -> None:
    variables = WEB | {"AWS_REGION": "eu-west-1"}
    web = loaded(empty_directory, **variables).web
    assert (web.region, web.availability_zones) == ("eu-west-1", ("eu-west-1a", "eu-west-1b"))
    web = loaded(empty_directory, **variables, TAP_WEB_REGION="eu-central-1").web
    assert web.region == "eu-central-1"
    assert web.availability_zones == ("eu-central-1a", "eu-central-1b")


def test_variables_of_web_database_do_not_set_fields_of_web(empty_directory: Path) -> None:
    settings = loaded(
        empty_directory, TAP_WEB_DATABASE_NAME="shop", TAP_WEB_DATABASE_ENGINE_VERSION="16.9"
    )
    assert settings.web_database.name == "shop"
    assert settings.web_database.engine_version == "16.9"
    assert settings.database.name == "tap"


def test_fields_of_stacks_that_are_not_deployed_are_optional(empty_directory: Path) -> None:
    assert loaded(empty_directory).stacks == ("tap",)
    # Zones are required only for the networks of the selected stacks.
    settings = loaded(empty_directory, AWS_REGION="us-west-1", STACKS="state")
    assert settings.network.availability_zones == ()


def test_public_key_is_optional_without_ssh(empty_directory: Path) -> None:
    settings = loaded(empty_directory, STACKS="bastion", TAP_BASTION_SSH="false")
    assert settings.bastion.public_key is None


@pytest.mark.parametrize("subnets", ["public", "private"])
def test_three_zones_require_three_subnets_of_each_tier(
    subnets: str, empty_directory: Path
) -> None:
    zones = BASTION | {
        "TAP_BASTION_AVAILABILITY_ZONES": "us-west-2a,us-west-2b,us-west-2c",
        "TAP_BASTION_PUBLIC_SUBNETS": "10.0.1.0/24,10.0.2.0/24,10.0.3.0/24",
        "TAP_BASTION_PRIVATE_SUBNETS": "10.0.10.0/24,10.0.11.0/24,10.0.12.0/24",
    }
    assert len(loaded(empty_directory, **zones).bastion.subnets("public")) == 3
    del zones[f"TAP_BASTION_{subnets.upper()}_SUBNETS"]
    (line,) = rejected(empty_directory, **zones)
    assert "3 subnets, one for each zone (us-west-2a,us-west-2b,us-west-2c)" in line


PUBLIC, PRIVATE = "TAP_BASTION_PUBLIC_SUBNETS", "TAP_BASTION_PRIVATE_SUBNETS"
KEY, SSH = "TAP_BASTION_PUBLIC_KEY", "TAP_BASTION_SSH_CIDRS"
BASTION_CASES = [
    (SSH, "0.0.0.0/0", "0.0.0.0/0 is public"),
    (SSH, "0.0.0.0/1,128.0.0.0/1", "of /8 or smaller"),
    (SSH, "203.0.113.0/24,0.0.0.0/0", "of /8 or smaller"),
    (SSH, "::/0", "IPv4 networks"),
    (SSH, "203.0.113.9/24", "IPv4 networks"),
    (PUBLIC, "10.0.1.0/24", "2 subnets, one for each zone"),
    (PUBLIC, "10.0.1.0/24,10.0.2.0/24,10.0.3.0/24", "2 subnets, one for each zone"),
    (PUBLIC, "10.0.1.0/24,10.0.1.128/25", "10.0.1.0/24 overlaps"),
    (PUBLIC, "10.0.1.0/24,10.1.2.0/24", "subnets within bastion.cidr, 10.0.0.0/16"),
    (PUBLIC, "10.0.1.0/29,10.0.2.0/24", "subnets of /28 or larger"),
    (PUBLIC, "10.0.1.0/33,10.0.2.0/24", "one IPv4 network per zone"),
    (PRIVATE, "10.0.1.0/24,10.0.11.0/24", "10.0.1.0/24 overlaps"),
    ("TAP_BASTION_AVAILABILITY_ZONES", "us-east-1a,us-east-1b", "zones of the Region us-west-2"),
    ("TAP_BASTION_NAT_GATEWAYS", "two", "zone (one NAT gateway per zone"),
    ("TAP_BASTION_AMAZON_LINUX", "1", "2 or 2023"),
    ("TAP_BASTION_INSTANCE_TYPE", "micro", "an EC2 instance type"),
    (KEY, "ssh-dss AAAAB3NzaC1kc3MAAACBAP", "ssh-ed25519 or ssh-rsa"),
    (KEY, "id_ed25519.pub", "ssh-ed25519 or ssh-rsa"),
]


@pytest.mark.parametrize(("variable", "value", "accepted"), BASTION_CASES)
def test_invalid_variables_of_the_bastion_stack_are_rejected(
    variable: str, value: str, accepted: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, **BASTION | {variable: value})
    assert line.startswith(f"{variable}: received ")
    assert accepted in line


def test_public_key_is_required_with_ssh(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, STACKS="tap,bastion")
    assert line.startswith(f"{KEY}: received nothing; accepted: an OpenSSH public key")
    assert "TAP_BASTION_SSH=false" in line


def test_private_key_is_not_logged(empty_directory: Path) -> None:
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"
    (line,) = rejected(empty_directory, **BASTION | {KEY: secret})
    assert line.startswith(f"{KEY}: received 'a private key'; accepted: ")
    assert "c2VjcmV0" not in line


WEB_CASES = [
    ("TAP_WEB_MINIMUM_INSTANCES", "11", "a number up to 10, the value of maximum_instances"),
    ("TAP_WEB_MAXIMUM_INSTANCES", "0", "a number from minimum_instances"),
    ("TAP_WEB_DOMAIN_NAME", "https://app.example.com", "such as app.example.com"),
    ("TAP_WEB_HOSTED_ZONE_ID", "example.com", "the id of the public Route 53 zone"),
    ("TAP_WEB_CERTIFICATE_ARN", "arn:aws:iam::1:server-certificate/x", "an ACM certificate"),
    ("TAP_WEB_CERTIFICATE_ARN", CERTIFICATE.replace("east", "west"), "a certificate in us-east-1"),
    ("TAP_WEB_TLS_POLICY", "ELBSecurityPolicy-2016-08", "one of ELBSecurityPolicy-TLS-1-2-Ext"),
    ("TAP_WEB_LOG_RETENTION_DAYS", "8", "one of 1, 3, 5, 7"),
    ("TAP_WEB_PUBLIC_SUBNETS", "10.0.1.0/28,10.0.2.0/24", "subnets of /27 or larger"),
    ("TAP_WEB_ISOLATED_SUBNETS", "10.0.10.0/25,10.0.21.0/24", "10.0.10.0/24 overlaps"),
    ("TAP_WEB_API_ORIGIN", "*", "the origin from which browsers may call the API"),
    ("TAP_WEB_DATABASE_ENGINE_VERSION", "12.1", "MAJOR from 13 to 17"),
    ("TAP_WEB_DATABASE_MAXIMUM_STORAGE_GB", "29", "a number from 30, because storage_gb is 20"),
    ("TAP_WEB_DATABASE_USERNAME", "rdsadmin", "not admin or rdsadmin"),
]


@pytest.mark.parametrize(("variable", "value", "accepted"), WEB_CASES)
def test_invalid_variables_of_the_web_stack_are_rejected(
    variable: str, value: str, accepted: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, **WEB | {variable: value})
    assert line.startswith(f"{variable}: received ")
    assert accepted in line


def test_domain_name_is_required(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, STACKS="web")
    assert line.startswith("TAP_WEB_DOMAIN_NAME: received nothing; accepted: the domain name")


def test_certificate_or_hosted_zone_is_required(empty_directory: Path) -> None:
    named = {"STACKS": "web", "TAP_WEB_DOMAIN_NAME": "app.example.com"}
    (line,) = rejected(empty_directory, **named)
    assert line.startswith("TAP_WEB_CERTIFICATE_ARN: received nothing; accepted: the ARN of an ACM")
    assert line.endswith("Set TAP_WEB_HOSTED_ZONE_ID or TAP_WEB_CERTIFICATE_ARN.")
    arn = loaded(empty_directory, **named, TAP_WEB_CERTIFICATE_ARN=CERTIFICATE).web.certificate_arn
    assert arn == CERTIFICATE
