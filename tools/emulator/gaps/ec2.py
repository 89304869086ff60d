"""EC2: instances, flow logs and security group rules keep all they are given."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.flow_logs import FlowLogs, FlowLogsBackend
from moto.ec2.models.instances import Instance
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.flow_logs import FlowLogs as FlowLogsResponse
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.key_pairs import KeyPairs
from moto.ec2.responses.monitoring import Monitoring

from tools.emulator.patching import put

_OPTIONS = ("FileFormat", "HiveCompatiblePartitions", "PerHourPartition")
# What Amazon Linux's images have; moto's have no snapshots.
_ROOT_VOLUME_GB = 8


def describe_key_pairs_beside_other_calls() -> None:
    """Calls do not disturb each other; moto notes whether to tell public keys for all of EC2.

    Whichever answer is being written just then breaks off: "dictionary changed size".
    """
    original = KeyPairs.describe_key_pairs

    def describe_key_pairs(self: Any) -> Any:
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(self.RESPONSE_KEY_PATH_TO_TRANSFORMER)
        return original(self)

    put(KeyPairs, describe_key_pairs=describe_key_pairs)


def describe_rules_without_a_range() -> None:
    """A rule to a prefix list or a group has a description too; moto knows only a CIDR's."""
    original = SecurityGroupRule.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        prefix_list = kwargs.get("prefix_list_id", args[7] if len(args) > 7 else None)
        self.prefix_list_description = (prefix_list or {}).get("Description")

    def description(self: Any) -> str | None:
        for peer in (self.ip_range, self.source_group):
            if peer.get("Description"):
                return str(peer["Description"])
        return str(self.prefix_list_description) if self.prefix_list_description else None

    put(SecurityGroupRule, __init__=init)
    put(SecurityGroupRule, description=property(description))


def keep_destination_options_of_flow_logs() -> None:
    """A flow log tells its file format and partitions; moto drops them.

    The provider would replace the flow log in every plan.
    """
    original = FlowLogsResponse.create_flow_logs

    def create_flow_logs(self: Any) -> Any:
        answer: Any = original(self)
        options = self._get_param("DestinationOptions")
        if options:
            kept = {name: options[name] for name in _OPTIONS if name in options}
            for flow_log_id in answer.result["FlowLogIds"]:
                self.ec2_backend.flow_logs[flow_log_id].destination_options = kept
        return answer

    put(FlowLogsResponse, create_flow_logs=create_flow_logs)
    put(FlowLogs, destination_options=None)


def let_flow_logs_go_to_a_folder() -> None:
    """The destination may be a folder of a bucket; moto takes the whole path for a bucket."""
    original = FlowLogsBackend.create_flow_logs

    def create_flow_logs(self: Any, *args: Any, **kwargs: Any) -> Any:
        wanted = kwargs.get("log_destination")
        if wanted and kwargs.get("log_destination_type") == "s3":
            kwargs["log_destination"] = wanted.split("/")[0]
        answer = original(self, *args, **kwargs)
        flow_logs: list[Any] = answer[0]
        for flow_log in flow_logs:
            flow_log.log_destination = wanted
        return answer

    put(FlowLogsBackend, create_flow_logs=create_flow_logs)


def size_root_volumes_as_their_image() -> None:
    """A root volume of no given size has its image's; moto refuses the mapping."""
    original = InstanceResponse._parse_block_device_mapping

    def parse(self: Any) -> Any:
        images = self.ec2_backend.describe_images(
            filters={"image-id": self._get_param("ImageId", "")}
        )
        roots = {image.root_device_name for image in images}
        for mapping in self._get_param("BlockDeviceMappings", []):
            volume = mapping.get("Ebs", {})
            if mapping.get("DeviceName") in roots and not volume.get("SnapshotId"):
                volume.setdefault("VolumeSize", _ROOT_VOLUME_GB)
        return original(self)

    put(InstanceResponse, _parse_block_device_mapping=parse)


def switch_detailed_monitoring() -> None:
    """Detailed monitoring is switched on and off while an instance runs; moto cannot.

    The provider switches it on even for the instance it has just made with it on.
    """

    def switched(self: Any, state: str) -> ActionResult:
        self.error_on_dryrun()
        instances = self.ec2_backend.get_multi_instances_by_id(self._get_param("InstanceIds", []))
        for instance in instances:
            instance.monitoring_state = state
        return ActionResult(
            {
                "InstanceMonitorings": [
                    {"InstanceId": instance.id, "Monitoring": {"State": state}}
                    for instance in instances
                ]
            }
        )

    put(
        Monitoring,
        monitor_instances=lambda self: switched(self, "enabled"),
        unmonitor_instances=lambda self: switched(self, "disabled"),
    )


def tell_the_security_groups_of_instances() -> None:
    """An instance is in the groups of its first network interface.

    moto keeps the two apart, and tells none for an instance whose request describes the interface.
    """

    def groups(self: Any) -> Any:
        first = getattr(self, "nics", {}).get(0)
        return list(first._group_set) if first and first._group_set else self._groups

    def replace(self: Any, given: Any) -> None:
        self._groups = given
        first = getattr(self, "nics", {}).get(0)
        if first:
            first._group_set = list(given)

    put(Instance, security_groups=property(groups, replace))
