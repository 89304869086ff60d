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

  server {{
    listen 80 default_server;
    add_header Access-Control-Allow-Origin '{origin}' always;
    add_header Strict-Transport-Security 'max-age=31536000' always;
    add_header X-Content-Type-Options nosniff always;
    error_page 404 @unknown;

    location = {health_path} {{
      access_log off;
      return 200 '{health}';
    }}
    location = / {{
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


def nginx(*, service: str, health_path: str, origin: str) -> tuple[str, ...]:
    """Shell lines that install nginx on Amazon Linux 2023 and start it as the web application.

    It responds on port 80 with JSON: to `health_path` with status 200, to `/` with the name of the
    service, its status and the time, to every other path with status 404. `origin` is the origin
    that may read the responses (CORS).
    """
    configuration = _CONFIGURATION.format(
        access_log=ACCESS_LOG,
        error_log=ERROR_LOG,
        log_format=json.dumps(_LOG_FORMAT),
        origin=origin,
        health_path=health_path,
        health=json.dumps({"status": "ok"}),
        about=json.dumps({"service": service, "status": "ok", "time": "$time_iso8601"}),
        unknown=json.dumps({"error": "not found"}),
    )
    return (
        "retry yum install -y nginx",
        "cat > /etc/nginx/nginx.conf <<'NGINX'",
        configuration,
        "NGINX",
        # Logs the errors of the configuration.
        "nginx -t",
        "systemctl enable --now nginx",
    )
