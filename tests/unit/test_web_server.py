"""nginx as the web application: what it is told to answer."""

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


def answer(location: str) -> tuple[int, object]:
    """Status and body that a location returns."""
    found = re.search(
        rf"location {re.escape(location)} \{{\n[^}}]*?return (\d+) '(.*)';", configuration()
    )
    assert found, f"location {location} returns nothing"
    return int(found[1]), json.loads(found[2])


def test_nginx_is_installed_tried_and_kept_running() -> None:
    assert LINES[0] == "retry yum install -y nginx"
    assert [*LINES[-2:]] == ["nginx -t", "systemctl enable --now nginx"]


def test_health_is_what_the_balancer_asks_for() -> None:
    assert answer("= /health") == (200, {"status": "ok"})
    moved = "\n".join(nginx(service="x", health_path="/alive", origin="https://x"))
    assert "location = /alive {" in moved
    assert "/health" not in moved


def test_the_front_page_says_which_service_it_is() -> None:
    status, body = answer("= /")
    assert status == 200
    assert body == {"service": "web-unit", "status": "ok", "time": "$time_iso8601"}


def test_everything_else_is_not_found() -> None:
    assert answer("@unknown") == (404, {"error": "not found"})
    assert "error_page 404 @unknown;" in configuration()


def test_answers_are_json_that_browsers_may_read() -> None:
    text = configuration()
    assert "default_type application/json;" in text
    headers = dict(re.findall(r"add_header (\S+) (.+) always;", text))
    assert headers == {
        "Access-Control-Allow-Origin": "'https://app.example.com'",
        "Strict-Transport-Security": "'max-age=31536000'",
        "X-Content-Type-Options": "nosniff",
    }
    # A header of a location's own would take all of these away there.
    assert text.count("add_header") == len(headers)


def test_the_server_listens_on_the_targets_port_and_keeps_its_version_to_itself() -> None:
    text = configuration()
    assert re.findall(r"listen (.+);", text) == ["80 default_server"]
    assert "server_tokens off;" in text


def test_each_request_is_one_json_object_in_the_log() -> None:
    text = configuration()
    found = re.search(r"log_format json escape=json '(.+)';", text)
    assert found
    fields = json.loads(found[1])
    assert {"time", "client", "method", "uri", "status", "seconds"} <= {*fields}
    assert all(re.fullmatch(r"\$\w+", value) for value in fields.values())
    assert f"access_log {ACCESS_LOG} json;" in text
    assert f"error_log {ERROR_LOG} warn;" in text


def test_braces_close_and_none_is_terraforms() -> None:
    text = configuration()
    assert text.count("{") == text.count("}") > 0
    assert not re.search(r"[$%]\{", text)
