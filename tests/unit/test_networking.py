"""The VPC: subnets, routes, endpoints, security groups and flow logs."""

from __future__ import annotations

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template, listed


def test_vpc_supports_private_dns(tap: Template) -> None:
    vpc = tap.get("aws_vpc", "Network")
    assert vpc["cidr_block"] == "10.0.0.0/16"
    assert vpc["enable_dns_support"] is True
    assert vpc["enable_dns_hostnames"] is True


@pytest.mark.parametrize(
    "type_",
    [
        *("aws_internet_gateway", "aws_egress_only_internet_gateway", "aws_nat_gateway"),
        *("aws_route", "aws_eip", "aws_vpn_gateway", "aws_vpc_peering_connection"),
    ],
)
def test_platform_vpc_has_no_connection_to_other_networks(type_: str, tap: Template) -> None:
    tap.assert_none(type_)


def test_route_tables_of_the_platform_have_no_inline_routes(tap: Template) -> None:
    assert all("route" not in table.body for table in tap.of_type("aws_route_table"))


def test_private_subnets_are_in_different_zones(tap: Template) -> None:
    subnets = tap.of_type("aws_subnet")
    assert [(s["availability_zone"], s["cidr_block"]) for s in subnets] == [
        ("us-east-1a", "10.0.0.0/24"),
        ("us-east-1b", "10.0.1.0/24"),
    ]
    assert all(s["vpc_id"] == tap.get("aws_vpc").ref("id") for s in subnets)


def test_each_subnet_has_a_route_table(tap: Template) -> None:
    pairs = {
        (link["subnet_id"], link["route_table_id"])
        for link in tap.of_type("aws_route_table_association")
    }
    assert pairs == {
        (
            tap.get("aws_subnet", f"Network/PrivateSubnet{number}").ref("id"),
            tap.get("aws_route_table", f"Network/PrivateRoutes{number}").ref("id"),
        )
        for number in (1, 2)
    }


def test_each_zone_has_a_subnet(synth: Synthesizer) -> None:
    template = synth(
        "tap",
        TAP_NETWORK_CIDR="10.20.0.0/20",
        TAP_NETWORK_SUBNET_PREFIX="23",
        TAP_NETWORK_AVAILABILITY_ZONES="us-east-1d,us-east-1b,us-east-1a",
        TAP_NETWORK_INTERFACE_ENDPOINTS="secretsmanager,kms",
    )
    assert [(s["availability_zone"], s["cidr_block"]) for s in template.of_type("aws_subnet")] == [
        ("us-east-1d", "10.20.0.0/23"),
        ("us-east-1b", "10.20.2.0/23"),
        ("us-east-1a", "10.20.4.0/23"),
    ]
    assert len(template.get("aws_db_subnet_group")["subnet_ids"]) == 3
    assert {e["service_name"] for e in template.of_type("aws_vpc_endpoint")} == {
        f"com.amazonaws.us-east-1.{name}" for name in ("s3", "secretsmanager", "kms")
    }
    kms = template.get("aws_vpc_endpoint", "Network/KmsEndpoint").statements()
    assert kms["Key"]["Resource"] == template.get("aws_kms_key").ref("arn")


def test_database_subnet_group_contains_the_private_subnets(tap: Template) -> None:
    group = tap.get("aws_db_subnet_group")
    assert group["name"] == "database-subnet-group-unit"
    assert group["subnet_ids"] == [subnet.ref("id") for subnet in tap.of_type("aws_subnet")]


def test_default_security_group_has_no_rules(tap: Template) -> None:
    group = tap.get("aws_default_security_group")
    assert group["vpc_id"] == tap.get("aws_vpc").ref("id")
    assert not {"ingress", "egress"} & set(group.body)


def test_s3_has_a_gateway_endpoint_in_all_route_tables(tap: Template) -> None:
    endpoint = tap.get("aws_vpc_endpoint", "Network/S3Endpoint")
    assert endpoint["vpc_endpoint_type"] == "Gateway"
    assert endpoint["service_name"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["route_table_ids"] == [r.ref("id") for r in tap.of_type("aws_route_table")]


def test_secrets_manager_has_an_interface_endpoint_in_all_subnets(tap: Template) -> None:
    endpoint = tap.get("aws_vpc_endpoint", "Network/SecretsmanagerEndpoint")
    assert endpoint["vpc_endpoint_type"] == "Interface"
    assert endpoint["private_dns_enabled"] is True
    assert endpoint["subnet_ids"] == [subnet.ref("id") for subnet in tap.of_type("aws_subnet")]
    group = tap.get("aws_security_group", "Network/Endpoints")
    assert endpoint["security_group_ids"] == [group.ref("id")]


def test_endpoint_policies_allow_the_resources_of_the_function_only(tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", "DataProcessing/Data").ref("arn")
    secret = tap.data("aws_secretsmanager_secret").ref("arn")
    allowed = {
        endpoint.path.removeprefix("Network/"): {
            sid: (s["Action"], s["Resource"])
            for sid, s in endpoint.statements().items()
            if s["Effect"] == "Allow"
        }
        for endpoint in tap.of_type("aws_vpc_endpoint")
    }
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket"]
    secrets = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    assert allowed == {
        "S3Endpoint": {"DataBucket": (objects, [bucket, f"{bucket}/*"])},
        "SecretsmanagerEndpoint": {"DatabaseSecret": (secrets, secret)},
    }


def test_endpoint_policies_allow_principals_of_this_account_only(tap: Template) -> None:
    for endpoint in tap.of_type("aws_vpc_endpoint"):
        statements = endpoint.statements()
        denied = statements.pop("DenyOtherAccounts")
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "*")
        assert denied["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": tap.account_id}}
        assert all(
            s["Condition"] == {"StringEquals": {"aws:PrincipalAccount": tap.account_id}}
            for s in statements.values()
        )


def test_all_flows_are_logged_to_a_bucket(tap: Template) -> None:
    log = tap.get("aws_flow_log")
    assert log["vpc_id"] == tap.get("aws_vpc").ref("id")
    assert log["traffic_type"] == "ALL"
    assert log["log_destination_type"] == "s3"
    assert log["log_destination"] == tap.get("aws_s3_bucket", "Network/FlowLogs").ref("arn")
    assert log["max_aggregation_interval"] == 60
    policy = tap.get("aws_s3_bucket_policy", "Network/FlowLogs/Policy")
    assert log["depends_on"] == [policy.address]


def test_flow_logs_are_delivered_for_this_account_only(tap: Template) -> None:
    statements = tap.get("aws_s3_bucket_policy", "Network/FlowLogs/Policy").statements()
    from_logs = {"aws:SourceArn": f"arn:aws:logs:us-east-1:{tap.account_id}:*"}
    for sid in ("AWSLogDeliveryAclCheck", "AllowFlowLogsWithoutAcl"):
        assert statements[sid]["Condition"] == {
            "StringEquals": {"aws:SourceAccount": tap.account_id},
            "ArnLike": from_logs,
        }


def test_bucket_policy_has_the_statement_that_log_delivery_adds(tap: Template) -> None:
    statements = tap.get("aws_s3_bucket_policy", "Network/FlowLogs/Policy").statements()
    assert statements["AWSLogDeliveryWrite"]["Condition"]["StringEquals"] == {
        "aws:SourceAccount": tap.account_id,
        "s3:x-amz-acl": "bucket-owner-full-control",
    }


def test_security_groups_allow_only_connections_of_the_function(tap: Template) -> None:
    """The function connects to the database, the endpoints and S3."""
    ids = {group.ref("id"): group.path for group in tap.of_type("aws_security_group")}
    prefix_list = tap.get("aws_vpc_endpoint", "Network/S3Endpoint").ref("prefix_list_id")
    ids[prefix_list] = "S3"

    def edges(type_: str) -> set[tuple[str, str, int]]:
        return {
            (
                ids[rule["security_group_id"]],
                ids[rule.get("referenced_security_group_id") or rule["prefix_list_id"]],
                *{rule["from_port"], rule["to_port"]},
            )
            for rule in tap.of_type(type_)
        }

    function = "DataProcessing/SecurityGroup"
    database, endpoints = "Database/SecurityGroup", "Network/Endpoints"
    assert edges("aws_vpc_security_group_egress_rule") == {
        (function, database, 5432),
        (function, endpoints, 443),
        (function, "S3", 443),
    }
    assert edges("aws_vpc_security_group_ingress_rule") == {
        (database, function, 5432),
        (endpoints, function, 443),
    }
    assert all(
        listed(rule["ip_protocol"]) == ["tcp"]
        for type_ in ("aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule")
        for rule in tap.of_type(type_)
    )


@pytest.fixture(scope="module")
def bastion(synth: Synthesizer) -> Template:
    return synth("bastion")


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def subnets_of(template: Template, tier: str) -> list[Resource]:
    return [s for s in template.of_type("aws_subnet") if s.path.startswith(f"Network/{tier}Subnet")]


def routes_of(template: Template, subnet: Resource) -> list[tuple[str, str]]:
    """Destination and gateway of the routes in the route table of a subnet."""
    (table,) = [
        link["route_table_id"]
        for link in template.of_type("aws_route_table_association")
        if link["subnet_id"] == subnet.ref("id")
    ]
    return [
        (route["destination_cidr_block"], route.get("gateway_id") or route.get("nat_gateway_id"))
        for route in template.of_type("aws_route")
        if route["route_table_id"] == table
    ]


@pytest.mark.parametrize("stack", ["bastion", "web"])
def test_public_subnets_route_to_the_internet_gateway(stack: str, synth: Synthesizer) -> None:
    template = synth(stack)
    gateway = template.get("aws_internet_gateway")
    assert gateway["vpc_id"] == template.get("aws_vpc").ref("id")
    public = subnets_of(template, "Public")
    assert [subnet["cidr_block"] for subnet in public] == ["10.0.1.0/24", "10.0.2.0/24"]
    for subnet in public:
        assert subnet["map_public_ip_on_launch"] is True
        assert routes_of(template, subnet) == [("0.0.0.0/0", gateway.ref("id"))]


@pytest.mark.parametrize("stack", ["bastion", "web"])
def test_private_subnets_route_to_their_zone_nat_gateway(stack: str, synth: Synthesizer) -> None:
    template = synth(stack)
    private = subnets_of(template, "Private")
    assert [subnet["cidr_block"] for subnet in private] == ["10.0.10.0/24", "10.0.11.0/24"]
    for subnet in private:
        assert subnet["map_public_ip_on_launch"] is False
        ((destination, target),) = routes_of(template, subnet)
        (gateway,) = [g for g in template.of_type("aws_nat_gateway") if g.ref("id") == target]
        (nat_subnet,) = [
            s for s in subnets_of(template, "Public") if s.ref("id") == gateway["subnet_id"]
        ]
        assert destination == "0.0.0.0/0"
        assert nat_subnet["availability_zone"] == subnet["availability_zone"]


@pytest.mark.parametrize("stack", ["bastion", "web"])
def test_nat_gateways_and_addresses_depend_on_the_internet_gateway(
    stack: str, synth: Synthesizer
) -> None:
    template = synth(stack)
    gateways, addresses = template.of_type("aws_nat_gateway"), template.of_type("aws_eip")
    assert [g["allocation_id"] for g in gateways] == [a.ref("allocation_id") for a in addresses]
    assert len({*(gateway["allocation_id"] for gateway in gateways)}) == 2
    internet = template.get("aws_internet_gateway").address
    assert all(one["depends_on"] == [internet] for one in (*gateways, *addresses))


def test_isolated_subnets_have_no_routes(web: Template, bastion: Template) -> None:
    isolated = subnets_of(web, "Isolated")
    assert [subnet["cidr_block"] for subnet in isolated] == ["10.0.20.0/24", "10.0.21.0/24"]
    assert [routes_of(web, subnet) for subnet in isolated] == [[], []]
    assert subnets_of(bastion, "Isolated") == []


def test_database_subnet_group_contains_the_isolated_subnets(
    web: Template, bastion: Template
) -> None:
    group = web.get("aws_db_subnet_group")
    assert group["subnet_ids"] == [subnet.ref("id") for subnet in subnets_of(web, "Isolated")]
    bastion.assert_none("aws_db_subnet_group")


def test_all_zones_can_route_to_one_nat_gateway(synth: Synthesizer) -> None:
    template = synth("bastion", TAP_BASTION_NAT_GATEWAYS="one")
    gateway = template.get("aws_nat_gateway")
    assert len(template.of_type("aws_eip")) == 1
    for subnet in subnets_of(template, "Private"):
        assert routes_of(template, subnet) == [("0.0.0.0/0", gateway.ref("id"))]


def test_three_zones_have_three_nat_gateways(synth: Synthesizer) -> None:
    template = synth(
        "bastion",
        TAP_BASTION_AVAILABILITY_ZONES="us-west-2a,us-west-2b,us-west-2d",
        TAP_BASTION_PUBLIC_SUBNETS="10.0.1.0/24,10.0.2.0/24,10.0.3.0/24",
        TAP_BASTION_PRIVATE_SUBNETS="10.0.10.0/24,10.0.11.0/24,10.0.12.0/24",
    )
    assert len(template.of_type("aws_nat_gateway")) == 3
    targets = {
        target for s in subnets_of(template, "Private") for _, target in routes_of(template, s)
    }
    assert len(targets) == 3


def test_networks_without_endpoints_have_no_security_group_of_endpoints(
    web: Template, bastion: Template
) -> None:
    for template in (web, bastion):
        template.assert_none("aws_vpc_endpoint")
        assert "Network/Endpoints" not in {
            group.path for group in template.of_type("aws_security_group")
        }


def test_zones_are_in_the_region_of_the_stack(bastion: Template) -> None:
    (provider,) = bastion.document["provider"]["aws"]
    assert provider["region"] == "us-west-2"
    assert {subnet["availability_zone"] for subnet in bastion.of_type("aws_subnet")} == {
        "us-west-2a",
        "us-west-2b",
    }
