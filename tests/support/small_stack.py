"""A small stack in the form that cdktf synthesizes, and changes of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECRET = "planted-Hunter2-never-to-be-seen"
NEW_SECRET = "planted-Correct-Horse-anew"

READ_OBJECTS = {
    "Sid": "ReadObjects",
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::small-results", "arn:aws:s3:::small-results/*"],
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _resource(path: str, **arguments: Any) -> dict[str, Any]:
    return {"//": {"metadata": {"path": f"small/{path}"}}, **arguments}


TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)

STACK: dict[str, Any] = {
    "terraform": {
        "required_providers": {"aws": {"source": "aws", "version": ">= 5.100.0, < 7.0.0"}},
        "backend": {"local": {"path": "terraform.tfstate"}},
    },
    "provider": {"aws": [{"region": "us-east-1"}]},
    "output": {"password": {"value": SECRET, "sensitive": True}},
    "resource": {
        "aws_security_group": {
            "Web_Group": _resource("Web/Group/Resource", name="small-web", description="Web"),
        },
        "aws_vpc_security_group_ingress_rule": {
            "Web_Https": _resource(
                "Web/Group/Https",
                security_group_id="${aws_security_group.Web_Group.id}",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                cidr_ipv4="10.0.0.0/16",
            ),
        },
        "aws_iam_role": {
            "Reader_Role": _resource(
                "Reader/Role/Resource", name="small-reader", assume_role_policy=TRUST
            ),
        },
        "aws_iam_role_policy": {
            "Reader_Policy": _resource(
                "Reader/Role/Policy",
                name="objects",
                role="${aws_iam_role.Reader_Role.name}",
                policy=policy(READ_OBJECTS),
            ),
        },
        "aws_instance": {
            "Server_Instance": _resource(
                "Server/Instance/Resource",
                ami="ami-12c6146b",
                instance_type="t3.micro",
                user_data=f"#!/bin/sh\nexport PASSWORD={SECRET}\n",
                tags={"Name": "small-server"},
            ),
        },
        "aws_s3_bucket": {
            "Results_Bucket": _resource("Results/Bucket/Resource", bucket="small-results"),
        },
        "aws_s3_bucket_public_access_block": {
            "Results_Block": _resource(
                "Results/Bucket/Block",
                bucket="${aws_s3_bucket.Results_Bucket.id}",
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
        },
        "aws_rds_cluster": {
            "Data_Cluster": _resource(
                "Data/Cluster/Resource",
                cluster_identifier="small-data",
                engine="aurora-postgresql",
                engine_version="16.9",
                database_name="results",
                master_username="master",
                master_password=SECRET,
                storage_encrypted=True,
                skip_final_snapshot=True,
            ),
        },
        "aws_secretsmanager_secret": {
            "Data_Secret": _resource("Data/Secret/Resource", name="small-secret"),
        },
        "aws_secretsmanager_secret_version": {
            "Data_Secret_Value": _resource(
                "Data/Secret/Value",
                secret_id="${aws_secretsmanager_secret.Data_Secret.id}",
                secret_string=json.dumps({"username": "master", "password": SECRET}),
            ),
        },
        "aws_cloudwatch_log_group": {
            "Server_Logs": _resource(
                "Server/Logs/Resource",
                name="small-server",
                retention_in_days=90,
                tags={"Note": f"a tag with {SECRET}"},
            ),
        },
    },
}


def stack() -> dict[str, Any]:
    """Return the deployed stack."""
    return copy.deepcopy(STACK)


def write(document: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps(document, indent=1))


# ---- one change each ----------------------------------------------------------------------------

Resources = dict[str, Any]


def _no_change(_: Resources) -> None:
    """Leave the stack unchanged."""


def _tags_only(resources: Resources) -> None:
    resources["aws_instance"]["Server_Instance"]["tags"]["Owner"] = "results"
    resources["aws_s3_bucket"]["Results_Bucket"]["tags"] = {"Owner": "results"}


def _grown_instance(resources: Resources) -> None:
    resources["aws_instance"]["Server_Instance"]["instance_type"] = "t3.large"


def _replaced_database(resources: Resources) -> None:
    resources["aws_rds_cluster"]["Data_Cluster"]["database_name"] = "outcomes"


def _deleted_bucket(resources: Resources) -> None:
    del resources["aws_s3_bucket"]
    del resources["aws_s3_bucket_public_access_block"]


def _opened_security_group(resources: Resources) -> None:
    rules = resources["aws_vpc_security_group_ingress_rule"]
    rules["Web_Https"]["cidr_ipv4"] = "0.0.0.0/0"


def _widened_policy(resources: Resources) -> None:
    statement = copy.deepcopy(READ_OBJECTS)
    # Another order and one action more.
    statement["Action"] = ["s3:PutObject", "s3:ListBucket", "s3:GetObject"]
    resources["aws_iam_role_policy"]["Reader_Policy"]["policy"] = policy(statement)


def _rotated_secret(resources: Resources) -> None:
    value = json.dumps({"username": "master", "password": NEW_SECRET})
    versions = resources["aws_secretsmanager_secret_version"]
    versions["Data_Secret_Value"]["secret_string"] = value
    resources["aws_rds_cluster"]["Data_Cluster"]["master_password"] = NEW_SECRET
    resources["aws_instance"]["Server_Instance"]["user_data"] = f"#!/bin/sh\nP={NEW_SECRET}\n"
    logs = resources["aws_cloudwatch_log_group"]["Server_Logs"]
    logs["tags"]["Note"] = f"a tag with {NEW_SECRET}"
    logs["retention_in_days"] = 30


CASES: dict[str, Callable[[Resources], None]] = {
    "no-change": _no_change,
    "tags-only": _tags_only,
    "a-grown-instance": _grown_instance,
    "a-replaced-database": _replaced_database,
    "a-deleted-bucket": _deleted_bucket,
    "an-opened-security-group": _opened_security_group,
    "a-widened-policy": _widened_policy,
    "a-rotated-secret": _rotated_secret,
}


def changed(case: str) -> dict[str, Any]:
    """Return the stack with the change of a case."""
    document = stack()
    CASES[case](document["resource"])
    return document
