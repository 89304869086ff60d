"""Patches of EC2 Auto Scaling and of the launch templates that its groups use."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.utils import convert_tag_spec, parse_user_data
from moto.moto_api._internal import mock_random
from moto.ssm.models import ssm_backends

from tools.emulator.moto_patches.patching import moto_patch, replace

_SSM_PREFIX = "resolve:ssm:"
_GROUP_FIELDS = {
    "default_instance_warmup": "DefaultInstanceWarmup",
    "max_instance_lifetime": "MaxInstanceLifetime",
    "instance_maintenance_policy": "InstanceMaintenancePolicy",
}


@moto_patch
def store_create_auto_scaling_group_instance_fields() -> None:
    """Store three fields of CreateAutoScalingGroup and UpdateAutoScalingGroup.

    moto 5.2.5: ignores ``DefaultInstanceWarmup``, ``MaxInstanceLifetime`` and
    ``InstanceMaintenancePolicy``.

    AWS: DescribeAutoScalingGroups returns all three; an update keeps the fields that it omits.

    Reason: the provider plans to set these fields again in every plan.
    """
    replace(FakeAutoScalingGroup, **dict.fromkeys(_GROUP_FIELDS))
    for operation in ("create_auto_scaling_group", "update_auto_scaling_group"):
        _store_group_fields(operation)


def _store_group_fields(operation: str) -> None:
    original = getattr(AutoScalingResponse, operation)

    def create_or_update(self: Any) -> Any:
        response = original(self)
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups[name]
        for attribute, field in _GROUP_FIELDS.items():
            value = self._get_params().get(field)
            if value is not None:
                setattr(group, attribute, value)
        return response

    replace(AutoScalingResponse, **{operation: create_or_update})


@moto_patch
def resolve_launch_template_image_id() -> None:
    """Resolve an ``ImageId`` of the form ``resolve:ssm:PARAMETER`` at each launch.

    moto 5.2.5: takes the text for the id of an image and launches nothing.

    AWS: Auto Scaling reads the Systems Manager parameter each time it launches an instance.

    Reason: the launch templates refer to the latest image of Amazon Linux in this form.
    """
    original = FakeAutoScalingGroup.image_id.fget  # type: ignore[attr-defined]

    def image_id(self: Any) -> str:
        configured = str(original(self))
        if not configured.startswith(_SSM_PREFIX):
            return configured
        parameters = ssm_backends[self.account_id][self.region]
        parameter = parameters.get_parameter(configured.removeprefix(_SSM_PREFIX))
        return str(parameter.value) if parameter else configured

    replace(FakeAutoScalingGroup, image_id=property(image_id))


@moto_patch
def balance_auto_scaling_group_subnets() -> None:
    """Launch each instance in the subnet of ``VPCZoneIdentifier`` with the fewest instances.

    moto 5.2.5: launches every instance in the first subnet.

    AWS: balances the instances of a group across its Availability Zones.

    Reason: tests verify that instances run in several Availability Zones.
    """
    original = FakeAutoScalingGroup.replace_autoscaling_group_instances

    def launch(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        vpc_zone_identifier = self.vpc_zone_identifier
        if not vpc_zone_identifier:
            original(self, count_needed, propagated_tags)
            return
        subnets = vpc_zone_identifier.split(",")
        try:
            for _ in range(count_needed):
                occupied = [state.instance.subnet_id for state in self.active_instances()]
                self.vpc_zone_identifier = min(subnets, key=occupied.count)
                original(self, 1, propagated_tags)
        finally:
            self.vpc_zone_identifier = vpc_zone_identifier

    replace(FakeAutoScalingGroup, replace_autoscaling_group_instances=launch)


@moto_patch
def apply_run_instances_launch_template_data() -> None:
    """Apply all used fields of the launch template in RunInstances.

    moto 5.2.5: applies image, type, security groups and tags of the instance only, and creates a
    default volume beside the volumes of the template.

    AWS: also applies ``IamInstanceProfile``, ``MetadataOptions``, ``Monitoring``,
    ``BlockDeviceMappings`` and the tags of volumes.

    Reason: tests verify instance profile, IMDSv2, encryption and tags of launched instances.
    """
    original = InstanceBackend.run_instances

    def run_instances(self: Any, *args: Any, **kwargs: Any) -> Any:
        template = kwargs.get("launch_template")
        data = self._get_template_from_args(template).data if template else {}
        kwargs["metadata_options"] = kwargs.get("metadata_options") or data.get("MetadataOptions")
        if data.get("Monitoring", {}).get("Enabled"):
            kwargs["monitoring_state"] = "enabled"
        if data.get("BlockDeviceMappings"):
            kwargs.setdefault("block_device_mappings", data["BlockDeviceMappings"])
        volume_tags = convert_tag_spec(data.get("TagSpecifications", [])).get("volume", {})
        kwargs["tags"] = {"volume": volume_tags, **kwargs.get("tags", {})}
        reservation = original(self, *args, **kwargs)
        profile = data.get("IamInstanceProfile", {})
        for instance in reservation.instances if profile else ():
            self.associate_iam_instance_profile(
                instance_id=instance.id,
                iam_instance_profile_name=profile.get("Name"),
                iam_instance_profile_arn=profile.get("Arn"),
            )
        return reservation

    replace(InstanceBackend, run_instances=run_instances)


@moto_patch
def filter_create_launch_template_tag_specifications() -> None:
    """Keep the template's own tags out of ``LaunchTemplateData.TagSpecifications``.

    moto 5.2.5: DescribeLaunchTemplateVersions returns the tags of the template itself among the
    tags of the resources that it launches.

    AWS: returns the tags of launched resources only.

    Reason: the provider plans to remove the additional tag specification in every plan.
    """
    original = LaunchTemplateBackend.create_launch_template

    def create_launch_template(
        self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: Any
    ) -> Any:
        if "TagSpecifications" in template_data:
            template_data["TagSpecifications"] = [
                specification
                for specification in template_data["TagSpecifications"]
                if specification["ResourceType"] != "launch-template"
            ]
        return original(self, name, description, template_data, tag_spec)

    replace(LaunchTemplateBackend, create_launch_template=create_launch_template)


@moto_patch
def decode_create_launch_template_version_user_data() -> None:
    """Decode ``UserData`` in CreateLaunchTemplateVersion.

    moto 5.2.5: decodes the user data of the first version only.

    AWS: user data is Base64 in every version.

    Reason: launching an instance from a later version fails.
    """
    original = LaunchTemplate.create_version

    def create_version(self: Any, data: dict[str, Any], description: str) -> Any:
        if isinstance(data.get("UserData"), str):
            data["UserData"] = parse_user_data(data["UserData"])
        return original(self, data, description)

    replace(LaunchTemplate, create_version=create_version)


@moto_patch
def return_describe_policies_enabled() -> None:
    """Return ``Enabled`` from DescribePolicies, and no empty predictive configuration.

    moto 5.2.5: omits ``Enabled`` and returns an empty ``PredictiveScalingConfiguration``.

    AWS: a scaling policy is enabled by default; only predictive policies have that configuration.

    Reason: the provider plans to enable each policy in every plan.
    """
    original = FakeScalingPolicy.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.enabled = True
        self.predictive_scaling_configuration = self.predictive_scaling_configuration or None

    replace(FakeScalingPolicy, __init__=init)


@moto_patch
def implement_start_instance_refresh() -> None:
    """Implement StartInstanceRefresh and DescribeInstanceRefreshes.

    moto 5.2.5: implements neither.

    AWS: replaces the instances of a group over minutes by instances of its current template.

    Reason: the provider calls StartInstanceRefresh when a template changes and does not wait. Here
    all instances are replaced before the call returns.
    """

    def start_instance_refresh(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups[name]
        desired_capacity = group.desired_capacity
        group.set_desired_capacity(0)
        group.set_desired_capacity(desired_capacity)
        refresh = {
            "InstanceRefreshId": str(mock_random.uuid4()),
            "AutoScalingGroupName": name,
            "Status": "Successful",
            "StartTime": utcnow(),
            "EndTime": utcnow(),
            "PercentageComplete": 100,
            "InstancesToUpdate": 0,
            "Preferences": self._get_params().get("Preferences", {}),
        }
        group.refreshes = [refresh, *group.refreshes]
        return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})

    def describe_instance_refreshes(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        ids = self._get_param("InstanceRefreshIds", [])
        refreshes = [
            refresh
            for refresh in self.autoscaling_backend.autoscaling_groups[name].refreshes
            if not ids or refresh["InstanceRefreshId"] in ids
        ]
        return ActionResult({"InstanceRefreshes": refreshes})

    replace(FakeAutoScalingGroup, refreshes=())
    replace(
        AutoScalingResponse,
        start_instance_refresh=start_instance_refresh,
        describe_instance_refreshes=describe_instance_refreshes,
    )
