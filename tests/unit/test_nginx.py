"""The configuration of nginx."""

from __future__ import annotations

import json
import re

from lib.compute.nginx import ACCESS_LOG, ERROR_LOG, nginx

LINES = nginx(service="web-unit", health_path="/health", origin="https://app.example.com")
SETUP = "\n".join(LINES)


def configuration() -> str:
    found = re.search(r"cat > /etc/nginx/nginx\.conf <<'NGINX'\n(.+?)\nNGINX\n", SETUP, re.S)
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
    assert LINES[0] == "retry yum install -y nginx"
    assert [*LINES[-2:]] == ["nginx -t", "systemctl enable --now nginx"]


def test_health_path_returns_200() -> None:
    assert response("= /health") == (200, {"status": "ok"})
    moved = "\n".join(nginx(service="x", health_path="/alive", origin="https://x"))
    assert "location = /alive {" in moved
    assert "/health" not in moved


def test_root_path_returns_the_name_of_the_service() -> None:
    status, body = response("= /")
    assert status == 200
    assert body == {"service": "web-unit", "status": "ok", "time": "$time_iso8601"}


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


def test_access_log_has_one_json_object_per_request() -> None:
    text = configuration()
    found = re.search(r"log_format json escape=json '(.+)';", text)
    assert found
    fields = json.loads(found[1])
    assert {"time", "client", "method", "uri", "status", "seconds"} <= {*fields}
    assert all(re.fullmatch(r"\$\w+", value) for value in fields.values())
    assert f"access_log {ACCESS_LOG} json;" in text
    assert f"error_log {ERROR_LOG} warn;" in text


def test_configuration_contains_no_terraform_expressions() -> None:
    text = configuration()
    assert text.count("{") == text.count("}") > 0
    assert not re.search(r"[$%]\{", text)
