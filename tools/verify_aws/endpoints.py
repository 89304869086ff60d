"""Checks of TLS: of the database's settings, and of the endpoints that the internet reaches."""

from __future__ import annotations

import datetime
import socket
import ssl
import warnings
from urllib.parse import urlsplit

from tools.checks import CheckFailedError, UndeterminedError
from tools.verify_aws.stack import DeployedStack

_CONNECT_SECONDS = 10


def database(stack: DeployedStack) -> str:
    """The cluster rejects connections without TLS, and the function verified its certificate."""
    rds, identifier = stack.client("rds"), stack.output("aurora_cluster_id")
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
    pages = rds.get_paginator("describe_db_cluster_parameters").paginate(
        DBClusterParameterGroupName=cluster["DBClusterParameterGroup"]
    )
    values = {
        one["ParameterName"]: one.get("ParameterValue")
        for page in pages
        for one in page["Parameters"]
    }
    if values.get("rds.force_ssl") != "1":
        raise CheckFailedError(f"rds.force_ssl is {values.get('rds.force_ssl')}; expected: 1")
    pending = [
        one["DBInstanceIdentifier"]
        for one in cluster["DBClusterMembers"]
        if one.get("DBClusterParameterGroupStatus") not in (None, "in-sync")
    ]
    if pending:
        raise CheckFailedError(f"the parameters wait for a restart of {', '.join(pending)}")
    if not stack.processed:
        raise UndeterminedError("rds.force_ssl is 1; no sample was processed over a connection")
    if not stack.is_on_aws:
        raise UndeterminedError(
            f"rds.force_ssl is 1; {stack.endpoint} is not AWS and has no Aurora"
        )
    return "rds.force_ssl is 1; the function, which verifies certificate and host name, connected"


def application(stack: DeployedStack) -> str:
    """The application has a valid certificate and rejects TLS 1.1."""
    return _check_endpoint(stack, stack.output("application_url"))


def api(stack: DeployedStack) -> str:
    """The API has a valid certificate and rejects TLS 1.1."""
    return _check_endpoint(stack, stack.output("api_url"))


def _check_endpoint(stack: DeployedStack, url: str) -> str:
    if not stack.is_on_aws:
        # The names may exist in the real DNS.
        raise UndeterminedError(f"{stack.endpoint} is not AWS: {url} is not served")
    parts = urlsplit(url)
    return check_tls(str(parts.hostname), parts.port or 443)


def check_tls(host: str, port: int, context: ssl.SSLContext | None = None) -> str:
    """Verify the certificate of a server, and that it rejects TLS 1.1 and older."""
    context = context or ssl.create_default_context()
    try:
        version, expires = _handshake(host, port, context)
    except ssl.SSLError as error:
        raise CheckFailedError(f"{host}: {error}") from error
    except OSError as error:
        raise CheckFailedError(f"{host}: no connection ({error})") from error
    old = ssl.create_default_context(cafile=None)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    # OpenSSL offers the old versions only at this security level.
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    text = f"{host}: {version}, valid certificate until {expires:%Y-%m-%d}"
    try:
        accepted, _ = _handshake(host, port, old)
    except ssl.SSLError as error:
        if "NO_PROTOCOLS" in str(error.reason) or "NO_CIPHERS" in str(error.reason):
            raise UndeterminedError(
                f"{text}; OpenSSL of this machine cannot offer TLS 1.1"
            ) from error
        return f"{text}; TLS 1.1 is rejected"
    except OSError:
        return f"{text}; TLS 1.1 is rejected"
    raise CheckFailedError(f"{host} accepts {accepted}; expected: TLS 1.2 or newer")


def _handshake(host: str, port: int, context: ssl.SSLContext) -> tuple[str, datetime.datetime]:
    """The protocol version, and the end of the validity of the verified certificate."""
    with (
        socket.create_connection((host, port), _CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert() or {}
        end = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
        return str(secured.version()), datetime.datetime.fromtimestamp(end, datetime.UTC)
