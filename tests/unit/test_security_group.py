"""Security groups: nothing is open that was not opened."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.vpc import Vpc

from lib.networking.security_group import SecurityGroup
from tests.unit.conftest import UnitStack


def new_groups(stack: UnitStack) -> tuple[SecurityGroup, SecurityGroup]:
    vpc = Vpc(stack, "Vpc", cidr_block="10.0.0.0/16")

    def make(id_: str) -> SecurityGroup:
        kind = f"{id_.lower()}-group"
        return SecurityGroup(
            stack, id_, context=stack.context, vpc=vpc, kind=kind, purpose=f"The {id_}"
        )

    return make("Client"), make("Server")


def test_a_new_security_group_has_no_rule(stack: UnitStack) -> None:
    new_groups(stack)
    template = stack.template()
    template.assert_none("aws_vpc_security_group_ingress_rule")
    template.assert_none("aws_vpc_security_group_egress_rule")
    group = template.get("aws_security_group", "Client")
    assert group["name"] == "client-group-unit"
    assert group["description"] == "The Client"
    assert group["vpc_id"] == template.get("aws_vpc").ref("id")


def test_opening_to_a_group_is_egress_here_and_ingress_there(stack: UnitStack) -> None:
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


def test_opening_to_a_prefix_list(stack: UnitStack) -> None:
    client, _ = new_groups(stack)
    client.allow_to_prefix_list("pl-1", 443, "S3")
    template = stack.template()
    rule = template.get("aws_vpc_security_group_egress_rule")
    assert (rule["prefix_list_id"], rule["from_port"], rule["to_port"]) == ("pl-1", 443, 443)
    template.assert_none("aws_vpc_security_group_ingress_rule")


def test_opening_to_addresses(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    client.allow_to_network("10.0.10.0/24", 22, "Shells")
    server.allow_from_network("203.0.113.0/24", 22, "The office")
    template = stack.template()
    out = template.get("aws_vpc_security_group_egress_rule", "Client/To10-0-10-0-24Port22")
    assert (out["cidr_ipv4"], out["from_port"], out["to_port"]) == ("10.0.10.0/24", 22, 22)
    back = template.get("aws_vpc_security_group_ingress_rule", "Server/From203-0-113-0-24Port22")
    assert (back["cidr_ipv4"], back["from_port"], back["to_port"]) == ("203.0.113.0/24", 22, 22)


def test_opening_to_everybody_takes_a_reason(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    client.allow_to_internet(443, "Updates")
    server.allow_from_internet(80, "Visitors", reason="Visitors come from everywhere there is")
    server.allow_from_internet(443, "Visitors", reason="Visitors come from everywhere there is")
    template = stack.template()
    out = template.get("aws_vpc_security_group_egress_rule")
    assert (out["cidr_ipv4"], out.suppressions) == ("0.0.0.0/0", {})
    plain, tls = (
        template.get("aws_vpc_security_group_ingress_rule", f"Server/FromInternet{port}")
        for port in (80, 443)
    )
    assert plain["cidr_ipv4"] == tls["cidr_ipv4"] == "0.0.0.0/0"
    assert {*plain.suppressions} == {"restrict_ingress", "CKV_AWS_260"}
    assert {*tls.suppressions} == {"restrict_ingress"}


def test_opening_from_a_group_is_ingress_alone(stack: UnitStack) -> None:
    client, server = new_groups(stack)
    server.allow_from_group(client, 22, "Shells")
    server.allow_from_group(client, 5432, "Rows")
    template = stack.template()
    template.assert_none("aws_vpc_security_group_egress_rule")
    shell, row = (
        template.get("aws_vpc_security_group_ingress_rule", f"Server/FromClient{port}")
        for port in (22, 5432)
    )
    group = template.get("aws_security_group", "Client").ref("id")
    assert shell["referenced_security_group_id"] == row["referenced_security_group_id"] == group
    # checkov takes such a rule on the ports it looks at as open to everybody.
    assert ({*shell.suppressions}, row.suppressions) == ({"CKV_AWS_24"}, {})
