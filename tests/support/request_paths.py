"""The paths of requests to the application, computed from deployed load balancers and API.

A path is followed as AWS follows it: security groups decide which listener a client reaches, rules
of the listener decide what happens to the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lib.listener_rules import Condition, ListenerRule, Request, applied_rule

# A valid value of the headers that API Gateway adds.
CALLER = "arn:aws:iam::123456789012:role/caller"
CONFIGURATIONS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
}


@dataclass(frozen=True)
class Outcome:
    """What happens to a request: the listener's port, the action, and its target group."""

    port: int
    action: str
    target: str = ""


def _rule(found: dict[str, Any]) -> ListenerRule:
    conditions = []
    for one in found["Conditions"]:
        given = one.get(CONFIGURATIONS.get(one["Field"], ""), {})
        values = tuple(given.get("Values") or one.get("Values") or ())
        conditions.append(Condition(one["Field"], values, given.get("HttpHeaderName", "")))
    priority = float("inf") if found["Priority"] == "default" else float(found["Priority"])
    last = found["Actions"][-1]
    return ListenerRule(
        priority, tuple(conditions), last["Type"], str(last.get("TargetGroupArn", ""))
    )


class RequestPaths:
    """Requests to a load balancer from the internet, and through an API."""

    def __init__(self, *, ec2: Any, elbv2: Any, apigateway: Any, load_balancer_arn: str) -> None:
        self._ec2, self._elbv2, self._apigateway = ec2, elbv2, apigateway
        (self._load_balancer,) = elbv2.describe_load_balancers(
            LoadBalancerArns=[load_balancer_arn]
        )["LoadBalancers"]

    def from_internet(self, request: Request) -> list[Outcome]:
        """The outcome of a request at each HTTPS listener that the internet reaches."""
        ports = self._ports("CidrIpv4", "0.0.0.0/0")
        return [
            self._outcome(listener, request)
            for listener in self._listeners(self._load_balancer)
            if listener["Protocol"] == "HTTPS" and listener["Port"] in ports
        ]

    def through_api(self, rest_api_id: str) -> Iterator[tuple[str, Request, Outcome]]:
        """Each method with its authorization, the request it sends, and the outcome of that."""
        resources = self._apigateway.get_resources(restApiId=rest_api_id, limit=500)["items"]
        for resource in resources:
            for verb in resource.get("resourceMethods", {}):
                method = self._apigateway.get_method(
                    restApiId=rest_api_id, resourceId=resource["id"], httpMethod=verb
                )
                integration = method["methodIntegration"]
                if integration["type"] != "MOCK":
                    request = _request(integration)
                    listener = self._behind_link(integration["connectionId"])
                    yield method["authorizationType"], request, self._outcome(listener, request)

    def _behind_link(self, link_id: str) -> dict[str, Any]:
        """The listener of the load balancer that a VPC link forwards to."""
        (arn,) = self._apigateway.get_vpc_link(vpcLinkId=link_id)["targetArns"]
        (network,) = self._elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        (first,) = self._listeners(network)
        (action,) = first["DefaultActions"]
        health = self._elbv2.describe_target_health(TargetGroupArn=action["TargetGroupArn"])
        (target,) = [one["Target"] for one in health["TargetHealthDescriptions"]]
        assert target["Id"] == self._load_balancer["LoadBalancerArn"]
        (group,) = network["SecurityGroups"]
        assert target["Port"] in self._ports("ReferencedGroupInfo", group), "closed port"
        return next(
            one for one in self._listeners(self._load_balancer) if one["Port"] == target["Port"]
        )

    def _ports(self, field: str, peer: str) -> set[int]:
        """The ports of the load balancer that accept connections from a group or from addresses."""
        rules = self._ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": self._load_balancer["SecurityGroups"]}]
        )["SecurityGroupRules"]
        found = set()
        for one in rules:
            given = one.get(field)
            value = given.get("GroupId") if isinstance(given, dict) else given
            if not one["IsEgress"] and value == peer:
                found |= {*range(one["FromPort"], one["ToPort"] + 1)}
        return found

    def _listeners(self, load_balancer: dict[str, Any]) -> list[dict[str, Any]]:
        arn = load_balancer["LoadBalancerArn"]
        return list(self._elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"])

    def _outcome(self, listener: dict[str, Any], request: Request) -> Outcome:
        found = self._elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        rule = applied_rule(map(_rule, found), request)
        return Outcome(listener["Port"], rule.action, rule.target)


def _request(integration: dict[str, Any]) -> Request:
    uri = urlsplit(re.sub(r"\{[^}]*\}", "orders/1", integration["uri"]))
    prefix = "integration.request.header."
    parameters = integration.get("requestParameters") or {}
    added = [name.removeprefix(prefix) for name in parameters if name.startswith(prefix)]
    return Request(uri.netloc, uri.path, dict.fromkeys(added, CALLER))
