"""The process of ministack: `python server.py CERTIFICATE KEY`, with ministack's own Python.

It listens on a free port of 127.0.0.1 and writes events to standard output, one JSON object per
line: `{"ready": PORT}`, and `{"cluster": {...}}` when a database cluster is created. Start it in
a new session: when its standard input closes, it ends with the processes of its functions.

Four things are added to ministack 1.5.33. The operations on tags of AWS Config: Terraform's
provider calls `ListTagsForResource`. Events of AWS services: the header `X-Cross-Check-Service`
lets PutEvents publish an event whose source starts with `aws.`, which ministack and AWS refuse to
callers. The event about a new cluster, whose master password nothing else contains. The
associations of subnets with network ACLs: a new subnet is associated with the default one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from typing import Any
from urllib.parse import parse_qs

HOST = "127.0.0.1"
SERVICE_HEADER = "x-cross-check-service"


def write_event(event: dict[str, Any]) -> None:
    """Write one line to the process that started this one."""
    print(json.dumps(event), flush=True)


class ConfigTags:
    """The operations on tags of AWS Config; `PutConfigRule` sets tags too."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def set(self, arn: str, rows: list[dict[str, str]]) -> None:
        """Add or replace tags of a resource."""
        self._tags.setdefault(arn, {}).update({row["Key"]: row["Value"] for row in rows})

    def perform(self, operation: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """The response of an operation on tags; None for every other operation."""
        arn = data.get("ResourceArn", "")
        if operation == "TagResource":
            self.set(arn, data["Tags"])
        elif operation == "UntagResource":
            for key in data["TagKeys"]:
                self._tags.get(arn, {}).pop(key, None)
        elif operation == "ListTagsForResource":
            rows = self._tags.get(arn, {}).items()
            return {"Tags": [{"Key": key, "Value": value} for key, value in rows]}
        else:
            return None
        return {}


def patch_config() -> None:
    """Add the operations on tags to AWS Config."""
    from ministack.core.responses import json_response
    from ministack.services import config

    tags, handle = ConfigTags(), config.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        data = json.loads(body or b"{}")
        answer = tags.perform(operation, data)
        if answer is not None:
            return json_response(answer)
        response = await handle(method, path, headers, body, query)
        if operation == "PutConfigRule" and data.get("Tags"):
            rule = config._config_rules[data["ConfigRule"]["ConfigRuleName"]]
            tags.set(rule["ConfigRuleArn"], data["Tags"])
        return response

    config.handle_request = handle_request


def patch_eventbridge() -> None:
    """Let a request with the header of a service publish events of that service."""
    from ministack.services import eventbridge

    handle = eventbridge.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        if SERVICE_HEADER in headers and headers.get("x-amz-target", "").endswith(".PutEvents"):
            return eventbridge._put_events(json.loads(body), allow_aws_source=True)
        return await handle(method, path, headers, body, query)

    eventbridge.handle_request = handle_request


def patch_rds() -> None:
    """Write an event when a cluster is created, before the request is answered."""
    from ministack.services import rds

    handle = rds.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        response = await handle(method, path, headers, body, query)
        form = {name: values[0] for name, values in parse_qs((body or b"").decode()).items()}
        if form.get("Action") == "CreateDBCluster" and response[0] == 200:
            cluster = rds._clusters[form["DBClusterIdentifier"]]
            endpoint = cluster["Endpoint"]
            host = endpoint["Address"] if isinstance(endpoint, dict) else endpoint
            write_event(
                {
                    "cluster": {
                        "host": host,
                        "user": form["MasterUsername"],
                        "password": form["MasterUserPassword"],
                        "database": form["DatabaseName"],
                    }
                }
            )
        return response

    rds.handle_request = handle_request


def patch_network_acls() -> None:
    """Associate new subnets with the default network ACL, and keep the subnet when it gets another.

    Terraform's provider describes the network ACL of a subnet, and replaces its association.
    """
    from ministack.services import ec2

    actions = ec2._ACTION_MAP
    create, replace = actions["CreateSubnet"], actions["ReplaceNetworkAclAssociation"]
    describe = actions["DescribeNetworkAcls"]

    def describe_acls(params: Any) -> Any:  # noqa: ANN401
        wanted = ec2._parse_filters(params).get("association.subnet-id")
        if not wanted:
            return describe(params)
        found = [
            acl_id
            for acl_id, acl in ec2._network_acls.items()
            if any(one["SubnetId"] in wanted for one in acl["Associations"])
        ]
        chosen = {f"NetworkAclId.{number}": [id_] for number, id_ in enumerate(found, start=1)}
        return describe({**params, **(chosen or {"NetworkAclId.1": ["none"]})})

    def create_subnet(params: Any) -> Any:  # noqa: ANN401
        before = {*ec2._subnets}
        response = create(params)
        for subnet_id in {*ec2._subnets} - before:
            vpc_id = ec2._subnets[subnet_id]["VpcId"]
            for acl in ec2._network_acls.values():
                if acl["IsDefault"] and acl["VpcId"] == vpc_id:
                    association = f"aclassoc-{subnet_id.removeprefix('subnet-')}"
                    acl["Associations"].append(
                        {"NetworkAclAssociationId": association, "SubnetId": subnet_id}
                    )
        return response

    def replace_association(params: Any) -> Any:  # noqa: ANN401
        replaced = ec2._p(params, "AssociationId")
        subnets = [
            one["SubnetId"]
            for acl in ec2._network_acls.values()
            for one in acl["Associations"]
            if one["NetworkAclAssociationId"] == replaced
        ]
        response = replace(params)
        for acl in ec2._network_acls.values():
            for one in acl["Associations"]:
                one["SubnetId"] = one["SubnetId"] or "".join(subnets)
        return response

    actions["CreateSubnet"] = create_subnet
    actions["DescribeNetworkAcls"] = describe_acls
    actions["ReplaceNetworkAclAssociation"] = replace_association


def _stop_with_parent() -> None:
    sys.stdin.buffer.read()
    # The process group of this session: this process and those of the functions.
    os.killpg(os.getpid(), signal.SIGKILL)


def main(certificate: str, key: str) -> None:
    """Serve until standard input closes."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((HOST, 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    os.environ["GATEWAY_PORT"] = str(port)
    os.environ.update(MINISTACK_SSL_CERT=certificate, MINISTACK_SSL_KEY=key)

    # ministack reads its settings from the environment when it is imported.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    for patch in (patch_config, patch_eventbridge, patch_rds, patch_network_acls):
        patch()
    settings = Config()
    settings.bind = [f"fd://{listener.fileno()}"]
    settings.certfile, settings.keyfile = certificate, key
    settings.keep_alive_timeout = 75
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    write_event({"ready": port})
    asyncio.run(serve(app, settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
