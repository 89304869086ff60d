"""Auto Scaling groups of web servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdktf import Fn, TerraformLocal, TerraformResourceLifecycle, Token
from cdktf_cdktf_provider_aws.autoscaling_group import (
    AutoscalingGroup,
    AutoscalingGroupInstanceMaintenancePolicy,
    AutoscalingGroupInstanceRefresh,
    AutoscalingGroupInstanceRefreshPreferences,
    AutoscalingGroupLaunchTemplate,
    AutoscalingGroupTag,
)
from cdktf_cdktf_provider_aws.autoscaling_policy import (
    AutoscalingPolicy,
    AutoscalingPolicyTargetTrackingConfiguration,
    AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification,
)
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateIamInstanceProfile,
    LaunchTemplateMetadataOptions,
    LaunchTemplateMonitoring,
    LaunchTemplateTagSpecifications,
)
from constructs import Construct

from lib.compute.instances import IMAGES, InstanceRole, user_data
from lib.compute.load_balancer import HEALTH_PATH, LoadBalancer
from lib.compute.nginx import ACCESS_LOG, ERROR_LOG, nginx
from lib.compute.parameters import Parameters
from lib.context import Context
from lib.database import PORT as DATABASE_PORT
from lib.database import PostgresInstance
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SecurityGroup
from lib.security.key import KEY_USE
from lib.storage.bucket import SecureBucket

RELEASE = "2023"
SETUP_LOG = "/var/log/cloud-init-output.log"
ROOT_DEVICE, VOLUME_GB = "/dev/xvda", 16
# From the launch to the first response: packages, agent, nginx, two health checks.
WARMUP_SECONDS = 180
HEALTH_GRACE_SECONDS = 300
FIRST_INSTANCES_TIMEOUT = "15m"
# With two instances a third is launched before one is terminated; with ten, nine stay healthy.
MINIMUM_HEALTHY_PERCENT, MAXIMUM_HEALTHY_PERCENT = 90, 150
MAXIMUM_AGE_DAYS = 30
GROUP_METRICS = (
    *("GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize", "GroupMinSize"),
    *("GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances"),
)


@dataclass(frozen=True, kw_only=True)
class WebServersConfig:
    """Configuration of an Auto Scaling group of web servers.

    Target tracking keeps the average CPU near `cpu_target_percent` and the requests per target and
    minute near `requests_target`. `origin` is the origin that may read the responses (CORS).
    """

    origin: str
    instance_type: str = "t3.micro"
    minimum_instances: int = 2
    maximum_instances: int = 10
    cpu_target_percent: int = 60
    requests_target: int = 1000
    log_retention_days: int = 7


class WebServers(Construct):
    """Creates an Auto Scaling group of web servers in the private subnets.

    Instances use the Amazon Linux 2023 image that is newest at their launch, so a new image changes
    no plan; instances are replaced after `MAXIMUM_AGE_DAYS`. A changed launch template replaces the
    instances step by step. AWS does not roll back a launch template whose image is a parameter, but
    an unhealthy new instance stops the replacement. The first deployment fails unless the load
    balancer finds the minimum number of instances healthy.

    Guarantee: only the load balancer connects to the instances, on port 80; Session Manager
    requires permissions. There is no key pair, IMDSv2 is required, volumes are encrypted. The role
    may use the bucket, read the parameters and write to its two log groups.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        load_balancer: LoadBalancer,
        database: PostgresInstance,
        bucket: SecureBucket,
        parameters: Parameters,
        config: WebServersConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config = context, config
        self._allow_auto_scaling()
        self.application_logs = self._create_log_group("ApplicationLogs", "application")
        self.deployment_logs = self._create_log_group("DeploymentLogs", "deployment")
        self.role = self._create_role(bucket, parameters)
        self.security_group = self._create_security_group(network, load_balancer, database)
        self.launch_template = self._create_launch_template()
        self.group = self._create_group(network, load_balancer)
        self._create_scaling_policies(load_balancer)

    def _allow_auto_scaling(self) -> None:
        """Let the service-linked role of Auto Scaling launch instances with encrypted volumes.

        AWS creates the role with the first Auto Scaling group of an account. A policy cannot name a
        principal that does not exist; a condition can.
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
        """
        account, key = self._context.account, self._context.key
        key.allow_via_service("ec2", create_grants=True)
        role_arn = account.arn(
            "iam",
            "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            region="",
        )
        launches: Mapping[str, str] = {
            "aws:PrincipalAccount": account.id,
            "aws:PrincipalArn": role_arn,
            "kms:CallerAccount": account.id,
            "kms:ViaService": account.service_endpoint("ec2"),
        }
        key.grant(
            Statement(
                sid="AllowAutoScalingUse",
                principals={"AWS": ["*"]},
                actions=(*KEY_USE, "kms:DescribeKey"),
                conditions={"StringEquals": launches},
            ),
            Statement(
                sid="AllowAutoScalingGrants",
                principals={"AWS": ["*"]},
                actions=("kms:CreateGrant",),
                conditions={
                    "StringEquals": launches,
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                },
            ),
        )

    def _create_log_group(self, id_: str, kind: str) -> LogGroup:
        return LogGroup(
            self,
            id_,
            context=self._context,
            path="/aws/ec2",
            kind=kind,
            retention_days=self._config.log_retention_days,
        )

    def _create_role(self, bucket: SecureBucket, parameters: Parameters) -> InstanceRole:
        account, key = self._context.account, self._context.key
        prefix = account.arn("ssm", f"parameter{parameters.prefix}")
        role = InstanceRole(
            self,
            "Role",
            context=self._context,
            kind="instance-role",
            description="What the instances of the web application may do",
            log_groups=[self.application_logs, self.deployment_logs],
        )
        role.grant(
            Statement(
                sid="UseObjects",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{bucket.arn}/*",),
            ),
            Statement(sid="ListObjects", actions=("s3:ListBucket",), resources=(bucket.arn,)),
            Statement(
                sid="ReadParameters",
                actions=("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"),
                # GetParametersByPath is authorized on the prefix itself.
                resources=(prefix, f"{prefix}/*"),
            ),
            Statement(
                sid="UseKeyThroughBucket",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(key.arn,),
                conditions={
                    "StringEquals": {"kms:ViaService": f"s3.{account.region}.amazonaws.com"}
                },
            ),
            Statement(
                sid="UseKeyThroughParameters",
                actions=("kms:Decrypt",),
                resources=(key.arn,),
                conditions={
                    "StringEquals": {"kms:ViaService": f"ssm.{account.region}.amazonaws.com"}
                },
            ),
        )
        return role

    def _create_security_group(
        self, network: Network, load_balancer: LoadBalancer, database: PostgresInstance
    ) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            context=self._context,
            vpc=network.vpc,
            kind="instances-security-group",
            purpose="Instances of the web application",
        )
        load_balancer.security_group.allow_to_group(group, HTTP, "Requests and health checks")
        group.allow_to_group(database.security_group, DATABASE_PORT, "Rows to PostgreSQL")
        # The package repositories of Amazon Linux 2023 use TLS.
        group.allow_to_internet(HTTPS, "AWS services and packages, through NAT")
        return group

    def _create_launch_template(self) -> LaunchTemplate:
        context = self._context
        script = user_data(
            release=RELEASE,
            setup=nginx(
                service=context.naming.deployment,
                health_path=HEALTH_PATH,
                origin=self._config.origin,
            ),
            logs={
                ACCESS_LOG: self.application_logs,
                ERROR_LOG: self.application_logs,
                SETUP_LOG: self.deployment_logs,
            },
        )
        volume = LaunchTemplateBlockDeviceMappingsEbs(
            volume_type="gp3",
            volume_size=VOLUME_GB,
            encrypted="true",
            kms_key_id=context.key.arn,
            delete_on_termination="true",
        )
        return LaunchTemplate(
            self,
            "LaunchTemplate",
            name=context.name("launch-template"),
            description="Instances of the web application",
            update_default_version=True,
            image_id=f"resolve:ssm:{IMAGES[RELEASE]}",
            instance_type=self._config.instance_type,
            iam_instance_profile=LaunchTemplateIamInstanceProfile(arn=self.role.profile.arn),
            vpc_security_group_ids=[self.security_group.id],
            # A string is escaped inside a function's arguments; a local is a reference.
            user_data=Fn.base64encode(TerraformLocal(self, "UserData", script).as_string),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(device_name=ROOT_DEVICE, ebs=volume)
            ],
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            monitoring=LaunchTemplateMonitoring(enabled=True),
            # The default tags of the provider apply to the launch template only.
            tag_specifications=[
                LaunchTemplateTagSpecifications(resource_type=type_, tags=self._tags(kind))
                for type_, kind in (
                    ("instance", "instance"),
                    ("volume", "volume"),
                    ("network-interface", "network-interface"),
                )
            ],
            tags=context.name_tag("launch-template"),
        )

    def _create_group(self, network: Network, load_balancer: LoadBalancer) -> AutoscalingGroup:
        config = self._config
        return AutoscalingGroup(
            self,
            "Resource",
            name=self._context.name("auto-scaling-group"),
            min_size=config.minimum_instances,
            max_size=config.maximum_instances,
            vpc_zone_identifier=[subnet.id for subnet in network.private_subnets],
            target_group_arns=[load_balancer.target_group.arn],
            launch_template=AutoscalingGroupLaunchTemplate(
                id=self.launch_template.id,
                # `$Latest` does not change when the template does, and starts no refresh.
                version=Token.as_string(self.launch_template.latest_version),
            ),
            health_check_type="ELB",
            health_check_grace_period=HEALTH_GRACE_SECONDS,
            default_instance_warmup=WARMUP_SECONDS,
            max_instance_lifetime=MAXIMUM_AGE_DAYS * 86_400,
            # Applies to every replacement of instances, not only to an instance refresh.
            instance_maintenance_policy=AutoscalingGroupInstanceMaintenancePolicy(
                min_healthy_percentage=MINIMUM_HEALTHY_PERCENT,
                max_healthy_percentage=MAXIMUM_HEALTHY_PERCENT,
            ),
            instance_refresh=AutoscalingGroupInstanceRefresh(
                strategy="Rolling",
                preferences=AutoscalingGroupInstanceRefreshPreferences(
                    min_healthy_percentage=MINIMUM_HEALTHY_PERCENT,
                    max_healthy_percentage=MAXIMUM_HEALTHY_PERCENT,
                    instance_warmup=str(WARMUP_SECONDS),
                ),
                # The launch template always triggers a refresh. Tags are set at launch.
                triggers=["tag"],
            ),
            enabled_metrics=list(GROUP_METRICS),
            min_elb_capacity=config.minimum_instances,
            wait_for_capacity_timeout=FIRST_INSTANCES_TIMEOUT,
            # Default tags apply neither to the group nor to its instances.
            tag=[
                AutoscalingGroupTag(key=key, value=value, propagate_at_launch=True)
                for key, value in self._tags("instance").items()
            ],
            # The user data requires the NAT gateways and all permissions; health checks require a
            # listener.
            depends_on=[*self.role.permissions, *network.nat_gateways, load_balancer.https],
            # The scaling policies change it.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["desired_capacity"]),
        )

    def _create_scaling_policies(self, load_balancer: LoadBalancer) -> None:
        """Create the target tracking policies for CPU and requests."""
        label = f"{load_balancer.load_balancer.arn_suffix}/{load_balancer.target_group.arn_suffix}"
        for id_, metric, target, resource_label in (
            ("Cpu", "ASGAverageCPUUtilization", self._config.cpu_target_percent, None),
            ("Requests", "ALBRequestCountPerTarget", self._config.requests_target, label),
        ):
            AutoscalingPolicy(
                self,
                f"{id_}Policy",
                name=self._context.name(f"{id_.lower()}-scaling"),
                autoscaling_group_name=self.group.name,
                policy_type="TargetTrackingScaling",
                target_tracking_configuration=AutoscalingPolicyTargetTrackingConfiguration(
                    target_value=target,
                    predefined_metric_specification=(
                        AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification(
                            predefined_metric_type=metric, resource_label=resource_label
                        )
                    ),
                ),
            )

    def _tags(self, kind: str) -> dict[str, str]:
        return {**self._context.tags, **self._context.name_tag(kind)}
