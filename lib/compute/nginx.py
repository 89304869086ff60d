"""Configuration and installation of nginx as the web application."""

from __future__ import annotations

import json

ACCESS_LOG = "/var/log/nginx/access.log"
ERROR_LOG = "/var/log/nginx/error.log"

# One JSON object per line, whose fields CloudWatch Logs Insights discovers.
_LOG_FORMAT = {
    "time": "$time_iso8601",
    "client": "$http_x_forwarded_for",
    "method": "$request_method",
    "uri": "$uri",
    "status": "$status",
    "bytes": "$body_bytes_sent",
    "seconds": "$request_time",
    "trace": "$http_x_amzn_trace_id",
}
# Variables have no braces, because Terraform interprets `${`. `always` adds a header to responses
# with an error status as well.
_CONFIGURATION = """\
user nginx;
worker_processes auto;
error_log {error_log} warn;
pid /run/nginx.pid;

events {{
  worker_connections 1024;
}}

http {{
  log_format json escape=json '{log_format}';
  access_log {access_log} json;
  default_type application/json;
  server_tokens off;
  # Longer than the balancer's 60 s, which must be the one to close a connection.
  keepalive_timeout 75s;
  client_max_body_size {body_limit_kb}k;

  # The load balancer adds the header of the caller to requests of the API only. $uri is decoded
  # and has no repeated slashes, unlike the path that the load balancer compares.
  map {caller} $request_kind {{
    default signed;
    '' unsigned;
  }}
  map $request_kind:$uri $is_rejected {{
    default 0;
    '~^unsigned:{api_path}(/|$)' 1;
  }}

  server {{
{listen}
    add_header Access-Control-Allow-Origin '{origin}' always;
    add_header Strict-Transport-Security 'max-age=31536000' always;
    add_header X-Content-Type-Options nosniff always;
    error_page 404 @unknown;
    if ($is_rejected) {{
      return 403 '{forbidden}';
    }}

    location = {health_path} {{
      access_log off;
      return 200 '{health}';
    }}
    location = / {{
      return 200 '{about}';
    }}
    location = {api_path}{health_path} {{
      return 200 '{health}';
    }}
    location = {api_path}/ {{
      return 200 '{about}';
    }}
    location / {{
      return 404;
    }}
    location @unknown {{
      return 404 '{unknown}';
    }}
  }}
}}"""


# The load balancer does not verify the certificate of an instance.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
_KEY, _CERTIFICATE = "/etc/nginx/instance.key", "/etc/nginx/instance.crt"
_CERTIFICATE_DAYS = 365
_PLAIN = "    listen 80 default_server;"
_TLS = f"""\
    listen 443 ssl default_server;
    ssl_certificate {_CERTIFICATE};
    ssl_certificate_key {_KEY};
    ssl_protocols TLSv1.2 TLSv1.3;"""


def nginx(
    *,
    service: str,
    health_path: str,
    api_path: str,
    caller_header: str,
    origin: str,
    body_limit_kb: int = 1024,
    tls: bool = False,
) -> tuple[str, ...]:
    """Shell lines that install nginx on Amazon Linux 2023 and start it as the web application.

    It responds with JSON: to `health_path` with status 200, to `/` with the name of the service,
    its status and the time, likewise below `api_path`, and to every other path with status 404.
    Paths below `api_path` have status 403 without `caller_header`, bodies over `body_limit_kb`
    status 413. `origin` is the origin that may read the responses (CORS). nginx listens on port 80,
    with `tls` on port 443 with a self-signed certificate that is created here.
    """
    caller = f"$http_{caller_header.lower().replace('-', '_')}"
    configuration = _CONFIGURATION.format(
        access_log=ACCESS_LOG,
        error_log=ERROR_LOG,
        log_format=json.dumps(_LOG_FORMAT | {"caller": caller}),
        listen=_TLS if tls else _PLAIN,
        body_limit_kb=body_limit_kb,
        caller=caller,
        origin=origin,
        health_path=health_path,
        api_path=api_path,
        health=json.dumps({"status": "ok"}),
        about=json.dumps({"service": service, "status": "ok", "time": "$time_iso8601"}),
        unknown=json.dumps({"error": "not found"}),
        forbidden=json.dumps({"error": "forbidden"}),
    )
    return (
        f"retry yum install -y nginx{' openssl' if tls else ''}",
        *(_create_certificate() if tls else ()),
        "cat > /etc/nginx/nginx.conf <<'NGINX'",
        configuration,
        "NGINX",
        # Logs the errors of the configuration.
        "nginx -t",
        "systemctl enable --now nginx",
    )


def _create_certificate() -> tuple[str, ...]:
    """Shell lines that create the key, which only root reads, and the certificate."""
    return (
        "(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
        f" -days {_CERTIFICATE_DAYS} -subj /CN=instance -keyout {_KEY} -out {_CERTIFICATE})",
    )
