"""Auto Scaling: groups keep all they are given, launch what their template says, and refresh."""

# moto's objects have no types worth naming.
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

from tools.emulator.patching import put

BY_PARAMETER = "resolve:ssm:"


def keep_what_groups_are_told() -> None:
    """A group tells its warm-up, its instances' longest life and how it keeps them; moto does not.

    The provider would set all three in every plan.
    """
    put(
        FakeAutoScalingGroup,
        default_instance_warmup=None,
        max_instance_lifetime=None,
        instance_maintenance_policy=None,
    )
    for call in ("create_auto_scaling_group", "update_auto_scaling_group"):
        _keep(call)


def _keep(call: str) -> None:
    original = getattr(AutoScalingResponse, call)

    def kept(self: Any) -> Any:
        answer = original(self)
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups[name]
        for attribute, parameter in (
            ("default_instance_warmup", "DefaultInstanceWarmup"),
            ("max_instance_lifetime", "MaxInstanceLifetime"),
            ("instance_maintenance_policy", "InstanceMaintenancePolicy"),
        ):
            given = self._get_params().get(parameter)
            if given is not None:
                setattr(group, attribute, given)
        return answer

    put(AutoScalingResponse, **{call: kept})


def find_images_by_their_parameter() -> None:
    """A template may name an image by a parameter, which is read at each launch."""
    original = FakeAutoScalingGroup.image_id.fget  # type: ignore[attr-defined]

    def image_id(self: Any) -> str:
        said = str(original(self))
        if not said.startswith(BY_PARAMETER):
            return said
        parameters = ssm_backends[self.account_id][self.region]
        parameter = parameters.get_parameter(said.removeprefix(BY_PARAMETER))
        return str(parameter.value) if parameter else said

    put(FakeAutoScalingGroup, image_id=property(image_id))


def spread_instances_over_the_subnets() -> None:
    """A group launches where it has the fewest instances; moto always in its first subnet."""
    original = FakeAutoScalingGroup.replace_autoscaling_group_instances

    def launch(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        everywhere = self.vpc_zone_identifier
        if not everywhere:
            original(self, count_needed, propagated_tags)
            return
        subnets = everywhere.split(",")
        try:
            for _ in range(count_needed):
                lives = [state.instance.subnet_id for state in self.active_instances()]
                self.vpc_zone_identifier = min(subnets, key=lives.count)
                original(self, 1, propagated_tags)
        finally:
            self.vpc_zone_identifier = everywhere

    put(FakeAutoScalingGroup, replace_autoscaling_group_instances=launch)


def launch_all_that_a_template_says() -> None:
    """An instance has its template's profile, metadata options, monitoring, volumes and their tags.

    moto takes image, type, groups and tags only, and adds a volume to those of the template.
    """
    original = InstanceBackend.run_instances

    def run_instances(self: Any, *args: Any, **kwargs: Any) -> Any:
        template = kwargs.get("launch_template")
        said = self._get_template_from_args(template).data if template else {}
        kwargs["metadata_options"] = kwargs.get("metadata_options") or said.get("MetadataOptions")
        if said.get("Monitoring", {}).get("Enabled"):
            kwargs["monitoring_state"] = "enabled"
        if said.get("BlockDeviceMappings"):
            kwargs.setdefault("block_device_mappings", said["BlockDeviceMappings"])
        volume_tags = convert_tag_spec(said.get("TagSpecifications", [])).get("volume", {})
        kwargs["tags"] = {"volume": volume_tags, **kwargs.get("tags", {})}
        reservation = original(self, *args, **kwargs)
        profile = said.get("IamInstanceProfile", {})
        for instance in reservation.instances if profile else ():
            self.associate_iam_instance_profile(
                instance_id=instance.id,
                iam_instance_profile_name=profile.get("Name"),
                iam_instance_profile_arn=profile.get("Arn"),
            )
        return reservation

    put(InstanceBackend, run_instances=run_instances)


def keep_a_templates_own_tags_out_of_its_data() -> None:
    """A template's own tags are not among those of what it launches; moto tells them there too.

    The provider would take them away in every plan.
    """
    original = LaunchTemplateBackend.create_launch_template

    def create(
        self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: Any
    ) -> Any:
        if "TagSpecifications" in template_data:
            template_data["TagSpecifications"] = [
                one
                for one in template_data["TagSpecifications"]
                if one["ResourceType"] != "launch-template"
            ]
        return original(self, name, description, template_data, tag_spec)

    put(LaunchTemplateBackend, create_launch_template=create)


def read_user_data_of_later_versions() -> None:
    """User data are encoded in every version of a template; moto reads those of the first only."""
    original = LaunchTemplate.create_version

    def create_version(self: Any, data: dict[str, Any], description: str) -> Any:
        if isinstance(data.get("UserData"), str):
            data["UserData"] = parse_user_data(data["UserData"])
        return original(self, data, description)

    put(LaunchTemplate, create_version=create_version)


def tell_whether_policies_are_enabled() -> None:
    """A policy tells that it is enabled, and of predictions only where there are some.

    The provider would enable it in every plan.
    """
    original = FakeScalingPolicy.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.enabled = True
        self.predictive_scaling_configuration = self.predictive_scaling_configuration or None

    put(FakeScalingPolicy, __init__=init)


def refresh_instances() -> None:
    """A refresh replaces a group's instances by those of its template now; here it does so at once.

    moto has no such calls. A real refresh takes minutes, and Terraform waits for none.
    """

    def start(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups[name]
        wanted = group.desired_capacity
        group.set_desired_capacity(0)
        group.set_desired_capacity(wanted)
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

    def describe(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        wanted = self._get_param("InstanceRefreshIds", [])
        found = [
            refresh
            for refresh in self.autoscaling_backend.autoscaling_groups[name].refreshes
            if not wanted or refresh["InstanceRefreshId"] in wanted
        ]
        return ActionResult({"InstanceRefreshes": found})

    put(FakeAutoScalingGroup, refreshes=())
    put(AutoScalingResponse, start_instance_refresh=start, describe_instance_refreshes=describe)
