"""The emulator where it follows Elastic Load Balancing and API Gateway, and moto does not."""

from __future__ import annotations

from tools.emulator import Emulator


def test_a_balancer_tells_its_scheme_and_whether_its_rules_hold_for_private_link(
    fresh_emulator: Emulator,
) -> None:
    ec2, elbv2 = (fresh_emulator.client(service) for service in ("ec2", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    made = elbv2.create_load_balancer(
        Name="one", Type="network", Subnets=[subnet], SecurityGroups=[group]
    )
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    assert made["LoadBalancers"][0]["Scheme"] == "internet-facing"
    name = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    for choice in ("off", "on"):
        elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group], **{name: choice})
        (found,) = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        assert found[name] == choice


def test_an_integration_tells_its_link(fresh_emulator: Emulator) -> None:
    gateway = fresh_emulator.client("apigateway")
    api = gateway.create_rest_api(name="one")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="AWS_IAM")
    gateway.put_integration(
        **place,
        type="HTTP_PROXY",
        integrationHttpMethod="GET",
        uri="https://app.example.com/",
        connectionType="VPC_LINK",
        connectionId="link",
    )
    assert gateway.get_integration(**place)["connectionId"] == "link"
    assert gateway.get_method(**place)["methodIntegration"]["connectionId"] == "link"
