"""Creates a certificate authority the certificate of one server, and that of its gateway."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PEM = serialization.Encoding.PEM
_LIFE = datetime.timedelta(days=30)


def write_certificates(folder: Path, host: str) -> None:
    """Write `ca.pem`, and certificate and key of the server and of its gateway.

    The certificate of `server.pem` names the host; the server accepts that of `gateway.pem` from a
    client. The key of the authority is discarded.
    """
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Local test CA")
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, authority=True).sign(
        ca_key, hashes.SHA256()
    )
    (folder / "ca.pem").write_bytes(ca.public_bytes(_PEM))
    names = x509.SubjectAlternativeName(
        [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    for file, subject, usage, extension in (
        ("server", host, ExtendedKeyUsageOID.SERVER_AUTH, names),
        ("gateway", "gateway", ExtendedKeyUsageOID.CLIENT_AUTH, None),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _certificate(_name(subject), ca_name, key, ca_key, authority=False).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if extension:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(ca_key, hashes.SHA256())
        (folder / f"{file}.pem").write_bytes(certificate.public_bytes(_PEM))
        _write_key(folder / f"{file}.key", key)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signed_by: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Tolerates small differences between clocks.
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        # Python 3.13 and newer reject certificates without these two extensions.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued_by, critical=False)
    )
