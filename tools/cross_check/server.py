"""The process of ministack: `python server.py CERTIFICATE KEY`, with ministack's own Python.

It listens on a free port of 127.0.0.1 and writes events to standard output, one JSON object per
line: `{"ready": PORT}`, and `{"cluster": {...}}` when a database cluster is created. Start it in
a new session: when its standard input closes, it ends with the processes of its functions.

Six things are added to ministack 1.5.33. The operations on tags of AWS Config: Terraform's
provider calls `ListTagsForResource`. Events of AWS services: the header `X-Cross-Check-Service`
lets PutEvents publish an event whose source starts with `aws.`, which ministack and AWS refuse to
callers. The event about a new cluster, whose master password nothing else contains. The
associations of subnets with network ACLs: a new subnet is associated with the default one. The
condition key `aws:SourceVpce` of requests that a function sends through an endpoint of its VPC.
Verification of tokens of IAM database authentication for PostgreSQL, which ministack implements for
MySQL only.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs

HOST = "127.0.0.1"
SERVICE_HEADER = "x-cross-check-service"
SESSION_SECONDS = 12 * 3600
TOKENS_PATH = "/cross-check/database-tokens"
POSTGRES_PORT = 5432
# Host and port of the clusters at their creation, which the functions sign: ministack advertises
# another address when a cluster has instances.
_ADDRESSES: dict[str, tuple[str, int]] = {}


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


def _address(cluster: Any) -> str:  # noqa: ANN401
    endpoint = cluster["Endpoint"]
    return str(endpoint["Address"] if isinstance(endpoint, dict) else endpoint)


def patch_rds() -> None:
    """Write an event when a cluster is created, before the request is answered."""
    from ministack.services import rds

    handle = rds.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        response = await handle(method, path, headers, body, query)
        form = {name: values[0] for name, values in parse_qs((body or b"").decode()).items()}
        if form.get("Action") == "CreateDBCluster" and response[0] == 200:
            cluster = rds._clusters[form["DBClusterIdentifier"]]
            host = _address(cluster)
            _ADDRESSES[form["DBClusterIdentifier"]] = (host, int(form.get("Port") or POSTGRES_PORT))
            write_event(
                {
                    "cluster": {
                        "identifier": form["DBClusterIdentifier"],
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


def patch_sts() -> None:
    """Let the sessions of functions expire, as all sessions do; ministack requires it of tokens."""
    from ministack.services import sts

    register = sts.register_session

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        session.setdefault("Expiration", time.time() + SESSION_SECONDS)
        register(access_key, session)

    sts.register_session = register_session


def patch_endpoints() -> None:
    """Add `aws:SourceVpce` to requests of functions through an endpoint of their VPC."""
    from ministack.core.iam_evaluator import EvalContext

    create = EvalContext.__init__

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: ANN401, N807
        create(self, *arguments, **named)
        endpoint = _source_endpoint(self.principal_arn, self.action.partition(":")[0])
        if endpoint:
            self.principal_keys = {**self.principal_keys, "aws:sourcevpce": endpoint}

    EvalContext.__init__ = __init__


def _source_endpoint(principal_arn: str, service: str) -> str:
    """The VPC endpoint through which the function of a session calls a service; empty if none."""
    from ministack.services import ec2, lambda_svc

    function = lambda_svc._functions.get(principal_arn.rpartition("/")[2])
    if ":assumed-role/" not in principal_arn or function is None:
        return ""
    subnets = (function["config"].get("VpcConfig") or {}).get("SubnetIds", [])
    networks = {ec2._subnets[subnet]["VpcId"] for subnet in subnets}
    for endpoint_id, endpoint in ec2._vpc_endpoints.items():
        if endpoint["VpcId"] in networks and endpoint["ServiceName"].endswith(f".{service}"):
            return str(endpoint_id)
    return ""


def token_rejection(cluster_id: str, user: str, token: str) -> str:
    """Why a token does not authenticate a user of a cluster; empty if it does."""
    from ministack.core import iam_evaluator, rds_iam
    from ministack.core.responses import request_scope
    from ministack.services import rds

    account, region = os.environ["MINISTACK_ACCOUNT_ID"], os.environ["MINISTACK_REGION"]
    with request_scope(account, region):
        cluster = rds._clusters[cluster_id]
        if cluster.get("IAMDatabaseAuthenticationEnabled") is not True:
            return "IAM database authentication is disabled"
        hostname, port = _ADDRESSES[cluster_id]
        verified = rds_iam.verify_rds_iam_token(
            token,
            hostname=hostname,
            port=port,
            db_user=user,
            region=region,
            account_id=account,
        )
        if isinstance(verified, rds_iam.RdsIamTokenError):
            return str(verified.code)
        principal = iam_evaluator.resolve_principal(verified.access_key_id, account)
        if isinstance(principal, iam_evaluator.AuthError):
            return "InvalidCredentials"
        if principal.policies is None:  # the root user
            return ""
        resource = cluster["DbClusterResourceId"]
        context = iam_evaluator.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=account,
            action="rds-db:connect",
            resource_arn=f"arn:aws:rds-db:{region}:{account}:dbuser:{resource}/{user}",
            region=region,
            principal_keys=principal.keys,
        )
        result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
        return "" if result.decision == "Allow" else f"rds-db:connect: {result.decision}"


def with_token_verification(app: Any) -> Any:  # noqa: ANN401
    """An ASGI application that answers requests to `TOKENS_PATH` itself."""

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope.get("path") != TOKENS_PATH:
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        fields = json.loads(body)
        reason = token_rejection(fields["cluster"], fields["user"], fields["token"])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps({"rejection": reason}).encode()
        await send({"type": "http.response.body", "body": body})

    return application


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

    patches = (patch_config, patch_eventbridge, patch_rds, patch_network_acls, patch_sts)
    for patch in (*patches, patch_endpoints):
        patch()
    settings = Config()
    settings.bind = [f"fd://{listener.fileno()}"]
    settings.certfile, settings.keyfile = certificate, key
    settings.keep_alive_timeout = 75
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    write_event({"ready": port})
    asyncio.run(serve(with_token_verification(app), settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
