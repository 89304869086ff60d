"""The configuration of an API and the fields of its access log."""

from __future__ import annotations

from dataclasses import dataclass

ACCESS_LOG = {
    field: f"$context.{variable}"
    for field, variable in {
        "request_id": "requestId",
        "time": "requestTime",
        "source_ip": "identity.sourceIp",
        "caller": "identity.userArn",
        "method": "httpMethod",
        "path": "path",
        "status": "status",
        "response_bytes": "responseLength",
        "latency_ms": "responseLatency",
        "integration_latency_ms": "integrationLatency",
        "integration_status": "integration.status",
        "error": "error.responseType",
        "firewall": "wafResponseCode",
        "trace_id": "xrayTraceId",
    }.items()
}


@dataclass(frozen=True, kw_only=True)
class ApiConfig:
    """Configuration of an API.

    `domain_name` is the name in the certificate of the load balancer, `origin` the origin that may
    call the API from a browser (CORS). `account_role` sets the role with which API Gateway writes
    logs, of which an account has one per Region. `web_acl` states whether a web ACL is associated,
    `custom_domain` whether clients use a custom domain name: then the default endpoint is disabled.
    """

    domain_name: str
    origin: str
    requests_per_second: int = 100
    burst: int = 200
    account_role: bool = True
    web_acl: bool = True
    custom_domain: bool = False
