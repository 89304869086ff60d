"""The key that encrypts, and the restriction to one Region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lib.account import Account
from lib.iam_policy import Conditions, Statement, document, service
from lib.settings import Settings

# What a key's administrator does; using the key, or granting its use, is not among it.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
KEY_ADMINISTRATION = (
    *("kms:CreateAlias", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*"),
    *("kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource"),
    *("kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
    "kms:RotateKeyOnDemand",
)
KEY_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
# Writing to what has a data key of its own: the data key is made, and read again for the next part.
KEY_WRITE = ("kms:GenerateDataKey*", "kms:Decrypt")

# Services whose endpoints are global (they answer in us-east-1 whatever Region is asked for): a
# restriction by aws:RequestedRegion must leave them out, or it breaks them.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
REGION_EXEMPT_ACTIONS = (
    *("a4b:*", "account:*", "acm:*", "aws-marketplace:*", "aws-marketplace-management:*"),
    *("aws-portal:*", "billing:*", "budgets:*", "ce:*", "chime:*", "cloudfront:*", "config:*"),
    *("consoleapp:*", "consolidatedbilling:*", "cur:*", "directconnect:*"),
    *("ec2:DescribeRegions", "ec2:DescribeTransitGateways", "ec2:DescribeVpnGateways"),
    *("fms:*", "freetier:*", "globalaccelerator:*", "health:*", "iam:*", "identitystore:*"),
    *("importexport:*", "invoicing:*", "mobileanalytics:*", "networkmanager:*"),
    *("organizations:*", "payments:*", "pricing:*", "route53:*", "route53domains:*"),
    *("route53-recovery-cluster:*", "route53-recovery-control-config:*"),
    *("route53-recovery-readiness:*", "s3:GetAccountPublic*", "s3:ListAllMyBuckets"),
    *("s3:PutAccountPublic*", "shield:*", "sso:*", "sts:*", "support:*", "supportplans:*"),
    *("tax:*", "trustedadvisor:*", "waf:*", "waf-regional:*", "wafv2:*"),
)


class EncryptionKey(Construct):
    """Creates a customer managed KMS key with yearly rotation, and its alias.

    Guarantee: nobody uses the key directly. The account administers it; principals of the account
    use it only through the services in `used_through`, with their own permissions, and those in
    `kept_by` keep it by a grant for as long as their resource lives; a service principal uses it
    only after `allow_service`, under that service's own conditions.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        account: Account,
        used_through: Sequence[str] = ("s3",),
        kept_by: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._account = account
        self._used_through, self._kept_by = used_through, kept_by
        self._statements = [self._administration(), *self._use_through_services()]
        self.key = KmsKey(
            self,
            "Resource",
            description=f"Encrypts the data of the {settings.environment_suffix} environment",
            enable_key_rotation=True,
            # The shortest wait AWS has: an environment is taken down as often as it is built.
            deletion_window_in_days=7,
            policy=document(*self._statements),
            tags=settings.name_tag("key"),
        )
        self.arn = self.key.arn
        KmsAlias(self, "Alias", name=f"alias/{settings.deployment}", target_key_id=self.key.key_id)

    def allow_service(self, name: str) -> None:
        """Let the AWS service `name` use the key, as `_service_grants` says; adding twice is once.

        Raises `ValueError` for a service that has no row there.
        """
        grants = self._service_grants()
        if name not in grants:
            raise ValueError(
                f"allow_service: received {name!r}; accepted: {', '.join(grants)}."
                " Add a row to EncryptionKey._service_grants."
            )
        new = [grant for grant in grants[name] if grant not in self._statements]
        if new:
            self._statements += new
            self.key.policy = document(*self._statements)

    def _administration(self) -> Statement:
        return Statement(
            sid="AccountAdministers",
            principals={"AWS": [self._account.root_arn]},
            actions=KEY_ADMINISTRATION,
        )

    def _use_through_services(self) -> list[Statement]:
        def via(names: Sequence[str]) -> list[str]:
            return [f"{name}.{self._account.region}.amazonaws.com" for name in names]

        principals = {"AWS": [self._account.root_arn]}
        statements = [
            Statement(
                sid="AccountUsesThroughServices",
                principals=principals,
                actions=(*KEY_USE, "kms:DescribeKey"),
                conditions={
                    "StringEquals": {
                        "kms:CallerAccount": self._account.id,
                        "kms:ViaService": via(self._used_through),
                    }
                },
            ),
        ]
        if self._kept_by:
            statements.append(
                Statement(
                    sid="ServicesKeepGrants",
                    principals=principals,
                    actions=("kms:CreateGrant",),
                    conditions={
                        "StringEquals": {
                            "kms:CallerAccount": self._account.id,
                            "kms:ViaService": via(self._kept_by),
                        },
                        "Bool": {"kms:GrantIsForAWSResource": "true"},
                    },
                )
            )
        return statements

    def _service_grants(self) -> dict[str, list[Statement]]:
        """A row for each service: what it may do with the key, and on whose behalf."""
        account, name = self._account, self._settings.name
        log_groups = f"log-group:*-{self._settings.environment_suffix}"
        from_account: Conditions = {"StringEquals": {"aws:SourceAccount": account.id}}
        for_alarms: Conditions = {
            # CloudWatch and EventBridge send KMS no aws:Source* keys; SNS tells it the topic.
            "StringEquals": {
                "kms:EncryptionContext:aws:sns:topicArn": account.arn("sns", name("alarm-topic"))
            }
        }
        trail: Conditions = {
            "StringEquals": {"aws:SourceArn": account.arn("cloudtrail", f"trail/{name('trail')}")}
        }
        access_logs = account.bucket_arn(f"{name('access-logs')}-{account.id}")
        trails = account.arn("cloudtrail", "trail/*", region="*")
        # The role that Auto Scaling launches instances with, which it makes with an account's first
        # group. A policy cannot name a principal that does not exist yet; a condition can.
        launcher = account.arn(
            "iam",
            "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            region="",
        )
        launches: Mapping[str, str] = {
            "aws:PrincipalAccount": account.id,
            "aws:PrincipalArn": launcher,
            "kms:CallerAccount": account.id,
            "kms:ViaService": f"ec2.{account.region}.amazonaws.com",
        }
        for_results: Conditions = {
            "StringEquals": {
                "kms:EncryptionContext:aws:sqs:arn": account.arn("sqs", name("results-queue"))
            }
        }

        def grant(
            sid: str, principal: str, actions: tuple[str, ...], conditions: Conditions
        ) -> Statement:
            return Statement(
                sid=sid, principals=service(principal), actions=actions, conditions=conditions
            )

        return {
            "logs": [
                grant(
                    "LogGroups",
                    f"logs.{account.region}",
                    (*KEY_USE, "kms:DescribeKey"),
                    {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": [
                                account.arn("logs", log_groups),
                                account.arn("logs", f"{log_groups}/*"),
                            ]
                        }
                    },
                )
            ],
            # S3 tells KMS the bucket (with a bucket key) or the object; that the logging service
            # sends the source account to KMS is not documented.
            "s3-access-logs": [
                grant(
                    "S3AccessLogs",
                    "logging.s3",
                    KEY_WRITE,
                    {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:s3:arn": [access_logs, f"{access_logs}/*"]
                        }
                    },
                )
            ],
            "flow-logs": [
                grant(
                    "FlowLogs",
                    "delivery.logs",
                    (*KEY_USE, "kms:DescribeKey"),
                    {**from_account, "ArnLike": {"aws:SourceArn": account.arn("logs", "*")}},
                )
            ],
            "cloudtrail": [
                grant(
                    "CloudTrailEncrypts",
                    "cloudtrail",
                    ("kms:GenerateDataKey*",),
                    {**trail, "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}},
                ),
                # CloudTrail tries the key out before it makes the trail.
                # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
                grant("CloudTrailLooks", "cloudtrail", ("kms:DescribeKey", "kms:Decrypt"), trail),
            ],
            "cloudwatch": [grant("AlarmsPublish", "cloudwatch", KEY_WRITE, for_alarms)],
            "events": [grant("EventsPublish", "events", KEY_WRITE, for_alarms)],
            # SQS asks the key for a data key on behalf of S3, and tells it the queue.
            # S3 tries it with a test event while the notification is made, so a refusal is seen.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
            "s3-notifications": [grant("S3Notifies", "s3", KEY_WRITE, for_results)],
            "config": [grant("ConfigDelivers", "config", KEY_WRITE, from_account)],
            # Its instances have encrypted volumes.
            # https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
            "autoscaling": [
                Statement(
                    sid="AutoScalingLaunches",
                    principals={"AWS": ["*"]},
                    actions=(*KEY_USE, "kms:DescribeKey"),
                    conditions={"StringEquals": launches},
                ),
                Statement(
                    sid="AutoScalingKeepsGrants",
                    principals={"AWS": ["*"]},
                    actions=("kms:CreateGrant",),
                    conditions={
                        "StringEquals": launches,
                        "Bool": {"kms:GrantIsForAWSResource": "true"},
                    },
                ),
            ],
        }


@dataclass(frozen=True)
class ExistingKey:
    """A KMS key that is managed elsewhere; its policy is its owner's matter."""

    arn: str


class RegionRestriction(Construct):
    """Creates a managed policy that denies every regional action outside the deployment's Region.

    Attached to each `ServiceRole`. Global services are exempt (`REGION_EXEMPT_ACTIONS`).
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.policy = IamPolicy(
            self,
            "Resource",
            name=settings.name("region-policy"),
            description=f"Denies regional services outside {settings.aws_region}",
            policy=document(
                Statement(
                    sid="DenyOtherRegions",
                    effect="Deny",
                    not_actions=REGION_EXEMPT_ACTIONS,
                    conditions={"StringNotEquals": {"aws:RequestedRegion": settings.aws_region}},
                )
            ),
            tags=settings.name_tag("region-policy"),
        )
