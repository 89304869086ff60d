"""Security groups and the rules that their methods add."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.vpc import Vpc

from lib.networking.security_group import SecurityGroup
from tests.unit.conftest import UnitStack


def new_groups(stack: UnitStack) -> tuple[SecurityGroup, SecurityGroup]:
    vpc = Vpc(stack, "Vpc", cidr_block="10.0.0.0/16")

    def create(id_: str) -> SecurityGroup:
        kind = f"{id_.lower()}-group"
        return SecurityGroup(
            stack, id_, context=stack.context, vpc=vpc, kind=kind, purpose=f"The {id_}"
        )

    return create("Client"), create("Server")


def test_new_security_group_has_no_rules(stack: UnitStack) -> None:
    new_groups(stack)
    template = stack.template()
    template.assert_none("aws_vpc_security_group_ingress_rule")
    template.assert_none("aws_vpc_security_group_egress_rule")
    group = template.get("aws_security_group", "Client")
    assert group["name"] == "client-group-unit"
    assert group["description"] == "The Client"
    assert group["vpc_id"] == template.get("aws_vpc").ref("id")


def test_allow_to_group_adds_egress_and_the_ingress_of_the_peer(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    client.allow_to_group(server, 5432, "Rows")
    template = stack.template()
    client_id, server_id = (
        template.get("aws_security_group", path).ref("id") for path in ("Client", "Server")
    )
    port = {"ip_protocol": "tcp", "from_port": 5432, "to_port": 5432, "description": "Rows"}
    for type_, path, own, other in (
        ("aws_vpc_security_group_egress_rule", "Client/ToServer5432", client_id, server_id),
        ("aws_vpc_security_group_ingress_rule", "Server/FromClient5432", server_id, client_id),
    ):
        rule = template.get(type_, path)
        expected = {"security_group_id": own, "referenced_security_group_id": other, **port}
        assert {name: rule[name] for name in expected} == expected


def test_allow_to_prefix_list_adds_egress(stack: UnitStack) -> None:
    client, _ = new_groups(stack)
    client.allow_to_prefix_list("pl-1", 443, "S3")
    template = stack.template()
    rule = template.get("aws_vpc_security_group_egress_rule")
    assert (rule["prefix_list_id"], rule["from_port"], rule["to_port"]) == ("pl-1", 443, 443)
    template.assert_none("aws_vpc_security_group_ingress_rule")


def test_allow_to_network_and_from_network_add_one_rule_each(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    client.allow_to_network("10.0.10.0/24", 22, "Shells")
    server.allow_from_network("203.0.113.0/24", 22, "Operators")
    template = stack.template()
    egress = template.get("aws_vpc_security_group_egress_rule", "Client/To10-0-10-0-24Port22")
    assert (egress["cidr_ipv4"], egress["from_port"], egress["to_port"]) == ("10.0.10.0/24", 22, 22)
    ingress = template.get("aws_vpc_security_group_ingress_rule", "Server/From203-0-113-0-24Port22")
    assert (ingress["cidr_ipv4"], ingress["from_port"], ingress["to_port"]) == (
        "203.0.113.0/24",
        22,
        22,
    )


def test_ingress_from_the_internet_is_suppressed_with_a_reason(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    client.allow_to_internet(443, "Updates")
    server.allow_from_internet(80, "Visitors", reason="The application is public")
    server.allow_from_internet(443, "Visitors", reason="The application is public")
    template = stack.template()
    egress = template.get("aws_vpc_security_group_egress_rule")
    assert (egress["cidr_ipv4"], egress.suppressions) == ("0.0.0.0/0", {})
    http, https = (
        template.get("aws_vpc_security_group_ingress_rule", f"Server/FromInternet{port}")
        for port in (80, 443)
    )
    assert http["cidr_ipv4"] == https["cidr_ipv4"] == "0.0.0.0/0"
    assert {*http.suppressions} == {"restrict_ingress", "CKV_AWS_260"}
    assert {*https.suppressions} == {"restrict_ingress"}


def test_allow_from_group_adds_ingress_only(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    server.allow_from_group(client, 22, "Shells")
    server.allow_from_group(client, 5432, "Rows")
    template = stack.template()
    template.assert_none("aws_vpc_security_group_egress_rule")
    ssh, postgresql = (
        template.get("aws_vpc_security_group_ingress_rule", f"Server/FromClient{port}")
        for port in (22, 5432)
    )
    group = template.get("aws_security_group", "Client").ref("id")
    assert ssh["referenced_security_group_id"] == group
    assert postgresql["referenced_security_group_id"] == group
    # checkov reports such a rule on port 22 as open to all addresses.
    assert ({*ssh.suppressions}, postgresql.suppressions) == ({"CKV_AWS_24"}, {})
