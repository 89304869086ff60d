"""Rejects requests that a web page in a browser sends to the emulator.

A page of another site may send requests to 127.0.0.1 (Origin header), or use a domain of its own
that resolves to 127.0.0.1 (DNS rebinding; Host header). Clients of AWS send no Origin header, and
the host of the endpoint or a virtual host of AWS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# Domains of AWS services: S3 buckets, S3 Control (through HTTP_PROXY) and service endpoints.
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
_OWN_SITES = ("same-origin", "none")


def rejection(environ: Mapping[str, Any]) -> str | None:
    """Return why a request is rejected (status 403); None for a request that is accepted."""
    host = str(environ.get("HTTP_HOST", ""))
    if not _is_accepted_host(host):
        return (
            f"Host: received {host!r}; accepted: an IP address, localhost, or a host name of AWS."
            " Use the address that the emulator prints."
        )
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and urlsplit(str(origin)).netloc != host:
        return (
            f"Origin: received {origin!r}; accepted: no header, or http://{host}."
            " Web pages of other sites must not access the emulator."
        )
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None and site not in _OWN_SITES:
        return (
            f"Sec-Fetch-Site: received {site!r}; accepted: no header, {' or '.join(_OWN_SITES)}."
            " Web pages of other sites must not access the emulator."
        )
    return None


def _is_accepted_host(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name:
        return False
    name = name.rstrip(".")
    if name == "localhost" or name.endswith((".localhost", *_AWS_DOMAINS)):
        return True
    # A bucket or an account id before the address: no browser resolves such a name.
    address = name if ":" in name else ".".join(name.split(".")[-4:])
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
