"""The certificate authorities of Amazon RDS in the package of the function."""

from __future__ import annotations

import re
import ssl
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lib.database.authorities import CA_BUNDLE, CERTIFICATES, read_bundle, region_authorities
from lib.settings import load_settings
from lib.settings.regions import REGIONS
from lib.synthesis import SynthesisError, synthesize
from tests.support.synthesis import DEFAULTS, NO_CONFIG, Synthesizer
from tools.postgres import PostgresServer

# Accepted Regions whose authorities the npm package lacks.
MISSING = (
    *("ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1"),
    *("il-central-1", "me-west-1", "mx-central-1", "sa-west-1", "us-gov-east-1", "us-gov-west-1"),
)


def described(bundle: bytes) -> list[dict[str, Any]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle.decode())
    return [dict(one) for one in context.get_ca_certs()]


def common_names(bundle: bytes) -> list[str]:
    certificates = described(bundle)
    return sorted(dict(part[0] for part in one["subject"])["commonName"] for one in certificates)


def accepted_regions() -> list[str]:
    return [name for name, partition in REGIONS.items() if partition in ("aws", "aws-us-gov")]


@pytest.mark.parametrize("region", sorted({*accepted_regions()} - {*MISSING}))
def test_bundle_contains_the_production_roots_of_one_region(region: str) -> None:
    bundle = region_authorities(region)
    assert common_names(bundle) == [
        f"Amazon RDS {region} Root CA {kind} G1" for kind in ("ECC384", "RSA2048", "RSA4096")
    ]
    for one in described(bundle):
        assert one["issuer"] == one["subject"]
        assert int(one["notAfter"].split()[3]) > 2060


@pytest.mark.parametrize("region", MISSING)
def test_region_without_authority_is_one_message(region: str) -> None:
    with pytest.raises(ValueError, match=f"AWS_REGION: received '{region}'") as caught:
        region_authorities(region)
    assert re.fullmatch(
        r"AWS_REGION: received '[a-z0-9-]+', whose .* this project; accepted: af-south-1, .*"
        r" us-west-2, or any Region with TAP_PROCESSING_DATABASE_CA_BUNDLE\. Download .*\.",
        str(caught.value),
    )


def test_expired_authorities_are_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERENCE_DATE", "2070-01-01")
    # The root with a key of 2048 bits expires in 2061.
    assert common_names(region_authorities("us-east-1")) == [
        "Amazon RDS us-east-1 Root CA ECC384 G1",
        "Amazon RDS us-east-1 Root CA RSA4096 G1",
    ]
    monkeypatch.setenv("REFERENCE_DATE", "2130-01-01")
    with pytest.raises(ValueError, match="AWS_REGION: received 'us-east-1'"):
        region_authorities("us-east-1")


def test_synthesis_rejects_a_region_without_authority(tmp_path: Path) -> None:
    settings = load_settings(DEFAULTS | {"AWS_REGION": "il-central-1"}, NO_CONFIG)
    with pytest.raises(SynthesisError) as caught:
        synthesize(settings, tmp_path / "out")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("AWS_REGION: received 'il-central-1'")
    assert "TAP_PROCESSING_DATABASE_CA_BUNDLE=config/il-central-1-bundle.pem." in line
    assert not (tmp_path / "out").exists()


def packaged_bundle(synth: Synthesizer, **variables: str) -> tuple[bytes | None, dict[str, str]]:
    """The bundle in the function's package, and the variables of the function."""
    function = synth("tap", **variables).get("aws_lambda_function", "DataProcessing")
    files = synth.directory.glob(f"*/stacks/tap/{function['filename']}")
    with zipfile.ZipFile(next(files)) as archive:
        content = archive.read(CA_BUNDLE) if CA_BUNDLE in archive.namelist() else None
    return content, function["environment"]["variables"]


def test_package_contains_the_authorities_of_the_region(synth: Synthesizer) -> None:
    content, variables = packaged_bundle(synth, AWS_REGION="eu-west-1")
    assert content == region_authorities("eu-west-1")
    assert "DATABASE_CA_BUNDLE" not in variables


def test_configured_file_replaces_the_authorities(
    synth: Synthesizer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.tap_stack.PROJECT", postgres.ca_bundle.parent)
    # The folder of the function's code remains that of the project.
    monkeypatch.setattr("lib.tap_stack.FUNCTION_SOURCE", CERTIFICATES.parents[5] / "lambda")
    content, variables = packaged_bundle(
        synth,
        AWS_REGION="il-central-1",
        TAP_PROCESSING_DATABASE_CA_BUNDLE=postgres.ca_bundle.name,
    )
    assert content is not None
    assert described(content) == described(postgres.ca_bundle.read_bytes())
    assert "DATABASE_CA_BUNDLE" not in variables


def test_path_in_the_function_replaces_the_authorities(synth: Synthesizer) -> None:
    content, variables = packaged_bundle(
        synth, AWS_REGION="il-central-1", TAP_PROCESSING_DATABASE_CA_BUNDLE="/opt/ca.pem"
    )
    assert content is None
    assert variables["DATABASE_CA_BUNDLE"] == "/opt/ca.pem"


def test_invalid_file_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    start = "TAP_PROCESSING_DATABASE_CA_BUNDLE: received 'ca.pem', a file "
    with pytest.raises(ValueError, match=f"{start}that does not exist; accepted: a PEM file"):
        read_bundle(file)
    for content in ("", "no certificate", "é"):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=f"{start}that cannot be read"):
            read_bundle(file)


def test_file_with_expired_authorities_is_rejected(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERENCE_DATE", "2130-01-01")
    with pytest.raises(ValueError, match="a file without valid authorities"):
        read_bundle(postgres.ca_bundle)


@pytest.mark.parametrize(
    "text",
    ["", "exports.defaults = [];", "'-----BEGIN CERTIFICATE-----\\n' + 'AAAA\\n', 'other'"],
)
def test_other_text_is_rejected(text: str, tmp_path: Path) -> None:
    file = tmp_path / "defaults.js"
    file.write_text(text)
    with pytest.raises(ValueError, match="Certificates of Amazon RDS: received 0 certificates"):
        region_authorities("us-east-1", file)


def test_error_for_missing_certificates_contains_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"received no npm package .* Run `make setup`\."):
        region_authorities("us-east-1", tmp_path / "none.js")
