"""The configuration of nginx."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from lib.compute.nginx import ACCESS_LOG, ERROR_LOG, nginx

ARGUMENTS = {
    "service": "web-unit",
    "health_path": "/health",
    "api_path": "/api",
    "caller_header": "X-Api-Caller",
    "origin": "https://app.example.com",
}


def setup(**changed: Any) -> tuple[str, ...]:
    """The lines of the installation, with some arguments changed."""
    return nginx(**(ARGUMENTS | changed))


def configuration(**changed: Any) -> str:
    text = "\n".join(setup(**changed))
    found = re.search(r"cat > /etc/nginx/nginx\.conf <<'NGINX'\n(.+?)\nNGINX\n", text, re.S)
    assert found
    return found[1]


def response(location: str) -> tuple[int, object]:
    """The status and the body that a location returns."""
    found = re.search(
        rf"location {re.escape(location)} \{{\n[^}}]*?return (\d+) '(.*)';", configuration()
    )
    assert found, f"location {location} returns nothing"
    return int(found[1]), json.loads(found[2])


def test_configuration_is_tested_before_nginx_starts() -> None:
    first, *_, test, start = setup()
    assert first == "retry yum install -y nginx"
    assert (test, start) == ("nginx -t", "systemctl enable --now nginx")


def test_health_path_returns_200() -> None:
    assert response("= /health") == (200, {"status": "ok"})
    moved = configuration(health_path="/alive")
    assert "location = /alive {" in moved
    assert "/health" not in moved


def test_root_path_returns_the_name_of_the_service() -> None:
    status, body = response("= /")
    assert status == 200
    assert body == {"service": "web-unit", "status": "ok", "time": "$time_iso8601"}


def test_api_responds_below_its_path() -> None:
    assert response("= /api/health") == response("= /health")
    assert response("= /api/") == response("= /")


def rejected(uri: str, caller: str) -> bool:
    """Return whether nginx rejects a request, by the two maps of the configuration."""
    text = configuration()
    kinds = re.search(r"map \$http_x_api_caller \$request_kind \{\n(.+?)\}", text, re.S)
    paths = re.search(r"map \$request_kind:\$uri \$is_rejected \{\n(.+?)\}", text, re.S)
    assert kinds
    assert paths
    assert re.findall(r"(\S+) (\S+);", kinds[1]) == [("default", "signed"), ("''", "unsigned")]
    default, (pattern, value) = re.findall(r"(\S+) (\S+);", paths[1])
    assert default == ("default", "0")
    assert value == "1"
    assert "if ($is_rejected) {\n      return 403 '" in text
    # `~` marks a regular expression, which matches anywhere in the value.
    key = f"{'signed' if caller else 'unsigned'}:{uri}"
    return bool(re.search(pattern.strip("'").removeprefix("~"), key))


@pytest.mark.parametrize("uri", ["/api", "/api/", "/api/orders/1"])
def test_api_paths_require_the_header_of_the_caller(uri: str) -> None:
    assert rejected(uri, "")
    assert not rejected(uri, "arn:aws:iam::123456789012:role/caller")


@pytest.mark.parametrize("uri", ["/", "/health", "/apis", "/pages/api/"])
def test_other_paths_do_not_require_the_header(uri: str) -> None:
    assert not rejected(uri, "")


def test_size_of_bodies_is_limited() -> None:
    assert "  client_max_body_size 1024k;\n" in configuration()
    assert "  client_max_body_size 64k;\n" in configuration(body_limit_kb=64)


def test_other_paths_return_404() -> None:
    assert response("@unknown") == (404, {"error": "not found"})
    assert "error_page 404 @unknown;" in configuration()


def test_responses_are_json_with_cors_and_security_headers() -> None:
    text = configuration()
    assert "default_type application/json;" in text
    headers = dict(re.findall(r"add_header (\S+) (.+) always;", text))
    assert headers == {
        "Access-Control-Allow-Origin": "'https://app.example.com'",
        "Strict-Transport-Security": "'max-age=31536000'",
        "X-Content-Type-Options": "nosniff",
    }
    # `add_header` in a location removes the headers of the server there.
    assert text.count("add_header") == len(headers)


def test_server_listens_on_port_80_and_hides_its_version() -> None:
    text = configuration()
    assert re.findall(r"listen (.+);", text) == ["80 default_server"]
    assert "server_tokens off;" in text
    assert "ssl_" not in text


def test_server_with_tls_listens_on_port_443_only() -> None:
    text = configuration(tls=True)
    assert re.findall(r"listen (.+);", text) == ["443 ssl default_server"]
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in text


def test_certificate_of_the_server_is_created_before_nginx_is_tested(tmp_path: Path) -> None:
    lines = setup(tls=True)
    assert lines[0] == "retry yum install -y nginx openssl"
    (tmp_path / "etc/nginx").mkdir(parents=True)
    (create,) = [line for line in lines if "openssl req" in line]
    assert lines.index(create) < lines.index("nginx -t")
    key, certificate = (
        re.search(rf"    {name} (.+);", configuration(tls=True))
        for name in ("ssl_certificate_key", "ssl_certificate")
    )
    assert key
    assert certificate
    subprocess.run(
        ["bash", "-euc", create.replace("/etc/", f"{tmp_path}/etc/")],
        check=True,
        capture_output=True,
    )
    files = [tmp_path / found[1].lstrip("/") for found in (key, certificate)]
    assert files[0].stat().st_mode & 0o077 == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    valid = x509.load_pem_x509_certificate(files[1].read_bytes())
    # Instances are replaced after 30 days.
    assert valid.not_valid_after_utc - valid.not_valid_before_utc == timedelta(days=365)


def test_access_log_has_one_json_object_per_request() -> None:
    text = configuration()
    found = re.search(r"log_format json escape=json '(.+)';", text)
    assert found
    fields = json.loads(found[1])
    assert {"time", "client", "method", "uri", "status", "seconds", "caller"} <= {*fields}
    assert all(re.fullmatch(r"\$\w+", value) for value in fields.values())
    assert f"access_log {ACCESS_LOG} json;" in text
    assert f"error_log {ERROR_LOG} warn;" in text


def test_configuration_contains_no_terraform_expressions() -> None:
    text = configuration()
    assert text.count("{") == text.count("}") > 0
    assert not re.search(r"[$%]\{", text)
