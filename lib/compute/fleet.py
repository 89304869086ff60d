"""The instances of the web application, as many as its load needs."""

from __future__ import annotations

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

from lib.api.rest_api import cors_origin
from lib.compute.instances import IMAGES, InstanceRole, user_data
from lib.compute.load_balancer import HEALTH_PATH, LoadBalancer
from lib.compute.parameters import Parameters
from lib.compute.web_server import ACCESS_LOG, ERROR_LOG, nginx
from lib.context import Foundation
from lib.database import PORT as DATABASE_PORT
from lib.database import PostgresInstance
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SecurityGroup
from lib.settings import WebSettings
from lib.storage.bucket import SecureBucket

RELEASE = "2023"
SETUP_LOG = "/var/log/cloud-init-output.log"
ROOT_DEVICE, VOLUME_GB = "/dev/xvda", 16
# From the launch to the first answer: packages, agent, nginx, two checks of the balancer.
WARMUP_SECONDS = 180
HEALTH_GRACE_SECONDS = 300
FIRST_INSTANCES_TIMEOUT = "15m"
# With two instances a third comes before one goes; with ten, one at a time is missing.
MINIMUM_HEALTHY_PERCENT, MAXIMUM_HEALTHY_PERCENT = 90, 150
MAXIMUM_AGE_DAYS = 30
GROUP_METRICS = (
    *("GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize", "GroupMinSize"),
    *("GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances"),
)


class Fleet(Construct):
    """Creates the Auto Scaling group of the web application, in the private subnets.

    Every instance is born from the launch template with the Amazon Linux 2023 image that is newest
    at that moment, so a new image changes no plan; none grows older than `MAXIMUM_AGE_DAYS`. A
    changed template replaces the instances a few at a time; AWS rolls nothing back where the image
    is a parameter, but a new instance that stays unhealthy stops the replacement. A first
    deployment fails unless the balancer finds the least number of instances healthy.

    Guarantee: nobody reaches an instance but the balancer on port 80, and, with the right to, Session
    Manager; no key pair, instance metadata by session tokens only, volumes encrypted. Its role may
    use the bucket, read the parameters, write its two log groups, and nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        balancer: LoadBalancer,
        database: PostgresInstance,
        bucket: SecureBucket,
        parameters: Parameters,
        web: WebSettings,
    ) -> None:
        super().__init__(scope, id_)
        self._foundation, self._settings, self._web = foundation, foundation.settings, web
        # The service-linked role launches the instances, and their volumes are under our key.
        foundation.key.allow_service("autoscaling")
        self.application_logs = self._build_log_group("ApplicationLogs", "application")
        self.deployment_logs = self._build_log_group("DeploymentLogs", "deployment")
        self.role = self._build_role(bucket, parameters)
        self.security_group = self._build_security_group(network, balancer, database)
        self.launch_template = self._build_launch_template()
        self.group = self._build_group(network, balancer)
        self._follow_load(balancer)

    def _build_log_group(self, id_: str, kind: str) -> LogGroup:
        return LogGroup(
            self,
            id_,
            foundation=self._foundation,
            path="/aws/ec2",
            kind=kind,
            retention_days=self._web.log_retention_days,
        )

    def _build_role(self, bucket: SecureBucket, parameters: Parameters) -> InstanceRole:
        account, key = self._foundation.account, self._foundation.key
        prefix = account.arn("ssm", f"parameter{parameters.prefix}")
        role = InstanceRole(
            self,
            "Role",
            foundation=self._foundation,
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
                # The prefix itself is what a read by path asks for.
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

    def _build_security_group(
        self, network: Network, balancer: LoadBalancer, database: PostgresInstance
    ) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=self._settings,
            vpc=network.vpc,
            kind="instances-security-group",
            purpose="Instances of the web application",
        )
        balancer.security_group.allow_to_group(group, HTTP, "Requests and health checks")
        group.allow_to_group(database.security_group, DATABASE_PORT, "Rows to PostgreSQL")
        # Amazon Linux 2023 has its package repositories behind TLS too.
        group.allow_to_internet(HTTPS, "AWS services and packages, through NAT")
        return group

    def _build_launch_template(self) -> LaunchTemplate:
        settings, web = self._settings, self._web
        script = user_data(
            release=RELEASE,
            setup=nginx(
                service=settings.deployment,
                health_path=HEALTH_PATH,
                origin=cors_origin(web),
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
            kms_key_id=self._foundation.key.arn,
            delete_on_termination="true",
        )
        return LaunchTemplate(
            self,
            "LaunchTemplate",
            name=settings.name("launch-template"),
            description="Instances of the web application",
            update_default_version=True,
            image_id=f"resolve:ssm:{IMAGES[RELEASE]}",
            instance_type=web.instance_type,
            iam_instance_profile=LaunchTemplateIamInstanceProfile(arn=self.role.profile.arn),
            vpc_security_group_ids=[self.security_group.id],
            # A local, as a string in a function's argument would be escaped.
            user_data=Fn.base64encode(TerraformLocal(self, "UserData", script).as_string),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(device_name=ROOT_DEVICE, ebs=volume)
            ],
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            monitoring=LaunchTemplateMonitoring(enabled=True),
            # The provider's default tags stay with the template.
            tag_specifications=[
                LaunchTemplateTagSpecifications(resource_type=type_, tags=self._tags(kind))
                for type_, kind in (
                    ("instance", "instance"),
                    ("volume", "volume"),
                    ("network-interface", "network-interface"),
                )
            ],
            tags=settings.name_tag("launch-template"),
        )

    def _build_group(self, network: Network, balancer: LoadBalancer) -> AutoscalingGroup:
        web = self._web
        return AutoscalingGroup(
            self,
            "Resource",
            name=self._settings.name("auto-scaling-group"),
            min_size=web.minimum_instances,
            max_size=web.maximum_instances,
            vpc_zone_identifier=[subnet.id for subnet in network.private_subnets],
            target_group_arns=[balancer.target_group.arn],
            launch_template=AutoscalingGroupLaunchTemplate(
                id=self.launch_template.id,
                # By number: `$Latest` would change without a change, and refresh nothing.
                version=Token.as_string(self.launch_template.latest_version),
            ),
            health_check_type="ELB",
            health_check_grace_period=HEALTH_GRACE_SECONDS,
            default_instance_warmup=WARMUP_SECONDS,
            max_instance_lifetime=MAXIMUM_AGE_DAYS * 86_400,
            # Whatever replaces an instance keeps to these, not the refresh alone.
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
                # The template triggers it by itself; instances keep the tags they were born with.
                triggers=["tag"],
            ),
            enabled_metrics=list(GROUP_METRICS),
            min_elb_capacity=web.minimum_instances,
            wait_for_capacity_timeout=FIRST_INSTANCES_TIMEOUT,
            # Default tags do not reach the group, and so not what it launches.
            tag=[
                AutoscalingGroupTag(key=key, value=value, propagate_at_launch=True)
                for key, value in self._tags("instance").items()
            ],
            # An instance sets itself up over the NAT gateways, with all its permissions, and is
            # found healthy only behind a listener.
            depends_on=[*self.role.permissions, *network.nat_gateways, balancer.https],
            # The policies decide how many are wanted.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["desired_capacity"]),
        )

    def _follow_load(self, balancer: LoadBalancer) -> None:
        """Add and remove instances so that CPU and requests stay near what the settings want."""
        label = f"{balancer.balancer.arn_suffix}/{balancer.target_group.arn_suffix}"
        for id_, metric, target, resource_label in (
            ("Cpu", "ASGAverageCPUUtilization", self._web.cpu_target_percent, None),
            ("Requests", "ALBRequestCountPerTarget", self._web.requests_target, label),
        ):
            AutoscalingPolicy(
                self,
                f"{id_}Policy",
                name=self._settings.name(f"{id_.lower()}-scaling"),
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
        return self._settings.common_tags() | self._settings.name_tag(kind)
