"""Alarms of the CIS AWS Foundations Benchmark, as a table. It imports no bindings."""

from __future__ import annotations

from dataclasses import dataclass


def _events(*names: str, source: str = "") -> str:
    """A filter pattern for any of the API calls; `source` limits them to one service."""
    called = " || ".join(f"($.eventName = {name})" for name in names)
    if source:
        return f"{{ ($.eventSource = {source}.amazonaws.com) && ({called}) }}"
    return f"{{ {called} }}"


@dataclass(frozen=True)
class CisAlarm:
    """One row: the number after "4.", the name, the meaning and the filter pattern of an alarm."""

    number: int
    name: str
    meaning: str
    pattern: str


# CIS AWS Foundations Benchmark v1.4.0 and v3.0.0. Version 3.0 joins the exclusions of 4.1 with
# "or", which matches nearly every event; they are joined with "and" here.
CIS_ALARMS = (
    CisAlarm(
        1,
        "unauthorized-api-calls",
        "API calls were refused",
        '{ (($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*"))'
        ' && ($.sourceIPAddress != "delivery.logs.amazonaws.com")'
        ' && ($.eventName != "HeadBucket") }',
    ),
    CisAlarm(
        2,
        "console-sign-in-without-mfa",
        "Someone signed in to the console without MFA",
        '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
    ),
    CisAlarm(
        3,
        "root-use",
        "The root user was used",
        '{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS)'
        ' && ($.eventType != "AwsServiceEvent") }',
    ),
    CisAlarm(
        4,
        "iam-policy-changes",
        "An IAM policy was changed",
        _events(
            *("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy"),
            *("PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"),
            *("CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion"),
            *("AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy"),
            *("AttachGroupPolicy", "DetachGroupPolicy"),
        ),
    ),
    CisAlarm(
        5,
        "cloudtrail-changes",
        "A CloudTrail trail was changed",
        _events("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
    ),
    CisAlarm(
        6,
        "console-sign-in-failures",
        "Sign-ins to the console failed",
        '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
    ),
    CisAlarm(
        7,
        "key-disabled-or-deleted",
        "A KMS key was disabled or scheduled for deletion",
        _events("DisableKey", "ScheduleKeyDeletion", source="kms"),
    ),
    CisAlarm(
        8,
        "bucket-policy-changes",
        "The policy of an S3 bucket was changed",
        _events(
            *("PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle"),
            *("PutBucketReplication", "DeleteBucketPolicy", "DeleteBucketCors"),
            *("DeleteBucketLifecycle", "DeleteBucketReplication"),
            source="s3",
        ),
    ),
    CisAlarm(
        9,
        "config-changes",
        "AWS Config was changed",
        _events(
            *("StopConfigurationRecorder", "DeleteDeliveryChannel"),
            *("PutDeliveryChannel", "PutConfigurationRecorder"),
            source="config",
        ),
    ),
    CisAlarm(
        10,
        "security-group-changes",
        "A security group was changed",
        _events(
            *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
            *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
            *("CreateSecurityGroup", "DeleteSecurityGroup", "ModifySecurityGroupRules"),
        ),
    ),
    CisAlarm(
        11,
        "network-acl-changes",
        "A network ACL was changed",
        _events(
            *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl"),
            *("DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
        ),
    ),
    CisAlarm(
        12,
        "gateway-changes",
        "A gateway of a network was changed",
        _events(
            *("CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway"),
            *("CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway"),
        ),
    ),
    CisAlarm(
        13,
        "route-table-changes",
        "A route was changed",
        _events(
            *("CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation"),
            *("DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable"),
        ),
    ),
    CisAlarm(
        14,
        "vpc-changes",
        "A VPC or a peering was changed",
        _events(
            *("CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection"),
            *("CreateVpcPeeringConnection", "DeleteVpcPeeringConnection"),
            *("RejectVpcPeeringConnection", "AttachClassicLinkVpc", "DetachClassicLinkVpc"),
            *("DisableVpcClassicLink", "EnableVpcClassicLink"),
        ),
    ),
    CisAlarm(
        15,
        "organizations-changes",
        "The AWS organization was changed",
        _events(
            *("AcceptHandshake", "AttachPolicy", "CancelHandshake", "CreateAccount"),
            *("CreateOrganization", "CreateOrganizationalUnit", "CreatePolicy"),
            *("DeclineHandshake", "DeleteOrganization", "DeleteOrganizationalUnit"),
            *("DeletePolicy", "DetachPolicy", "DisablePolicyType", "EnableAllFeatures"),
            *(
                "EnablePolicyType",
                "InviteAccountToOrganization",
                "LeaveOrganization",
                "MoveAccount",
            ),
            *("RemoveAccountFromOrganization", "UpdateOrganizationalUnit", "UpdatePolicy"),
            source="organizations",
        ),
    ),
)
