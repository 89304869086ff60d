"""Patches of Elastic Load Balancing and API Gateway."""

from __future__ import annotations

from tools.emulator import Emulator


def test_load_balancer_returns_scheme_and_private_link_enforcement(
    fresh_emulator: Emulator,
) -> None:
    ec2, elbv2 = (fresh_emulator.client(service) for service in ("ec2", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    created = elbv2.create_load_balancer(
        Name="one", Type="network", Subnets=[subnet], SecurityGroups=[group]
    )
    arn = created["LoadBalancers"][0]["LoadBalancerArn"]
    assert created["LoadBalancers"][0]["Scheme"] == "internet-facing"
    name = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    for choice in ("off", "on"):
        elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group], **{name: choice})
        (found,) = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        assert found[name] == choice


def test_integration_returns_its_vpc_link(fresh_emulator: Emulator) -> None:
    gateway = fresh_emulator.client("apigateway")
    api = gateway.create_rest_api(name="one")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="AWS_IAM")
    gateway.put_integration(
        **method,
        type="HTTP_PROXY",
        integrationHttpMethod="GET",
        uri="https://app.example.com/",
        connectionType="VPC_LINK",
        connectionId="link",
    )
    assert gateway.get_integration(**method)["connectionId"] == "link"
    assert gateway.get_method(**method)["methodIntegration"]["connectionId"] == "link"
