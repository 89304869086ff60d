"""Patches of EC2: instances, flow logs, key pairs and security group rules."""

# moto's classes have no type annotations.
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

from tools.emulator.moto_patches.patching import moto_patch, replace

_DESTINATION_OPTIONS = ("FileFormat", "HiveCompatiblePartitions", "PerHourPartition")
# The root volume of the images of Amazon Linux, in GiB; moto's images have no snapshots.
_ROOT_VOLUME_SIZE = 8


@moto_patch
def isolate_describe_key_pairs_public_key() -> None:
    """Keep ``PublicKey`` of DescribeKeyPairs out of other responses of EC2.

    moto 5.2.5: changes a dictionary shared by all EC2 responses, according to
    ``IncludePublicKey``; a response that is serialized at that moment fails with "dictionary
    changed size during iteration".

    AWS: concurrent calls are independent.

    Reason: Terraform calls EC2 concurrently, so that an apply fails at random.
    """
    original = KeyPairs.describe_key_pairs

    def describe_key_pairs(self: Any) -> Any:
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(self.RESPONSE_KEY_PATH_TO_TRANSFORMER)
        return original(self)

    replace(KeyPairs, describe_key_pairs=describe_key_pairs)


@moto_patch
def describe_security_group_rules_with_description() -> None:
    """Return ``Description`` of rules whose peer is a prefix list or a security group.

    moto 5.2.5: DescribeSecurityGroupRules returns the description of CIDR rules only.

    AWS: returns the description of every rule.

    Reason: the provider plans to set the description again in every plan.
    """
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

    replace(SecurityGroupRule, __init__=init, description=property(description))


@moto_patch
def store_create_flow_logs_destination_options() -> None:
    """Store ``DestinationOptions`` of CreateFlowLogs.

    moto 5.2.5: ignores file format and partitions.

    AWS: DescribeFlowLogs returns them.

    Reason: the provider plans to replace the flow log in every plan.
    """
    original = FlowLogsResponse.create_flow_logs

    def create_flow_logs(self: Any) -> Any:
        response: Any = original(self)
        options = self._get_param("DestinationOptions")
        if options:
            stored = {name: options[name] for name in _DESTINATION_OPTIONS if name in options}
            for flow_log_id in response.result["FlowLogIds"]:
                self.ec2_backend.flow_logs[flow_log_id].destination_options = stored
        return response

    replace(FlowLogsResponse, create_flow_logs=create_flow_logs)
    replace(FlowLogs, destination_options=None)


@moto_patch
def accept_create_flow_logs_destination_prefix() -> None:
    """Accept a prefix in ``LogDestination`` of CreateFlowLogs (``arn:aws:s3:::BUCKET/PREFIX/``).

    moto 5.2.5: looks for a bucket with the name ``BUCKET/PREFIX/`` and returns an error.

    AWS: delivers the files below the prefix and returns the destination unchanged.

    Reason: the flow logs of the network have a prefix.
    """
    original = FlowLogsBackend.create_flow_logs

    def create_flow_logs(self: Any, *args: Any, **kwargs: Any) -> Any:
        destination = kwargs.get("log_destination")
        if destination and kwargs.get("log_destination_type") == "s3":
            kwargs["log_destination"] = destination.split("/")[0]
        response = original(self, *args, **kwargs)
        flow_logs: list[Any] = response[0]
        for flow_log in flow_logs:
            flow_log.log_destination = destination
        return response

    replace(FlowLogsBackend, create_flow_logs=create_flow_logs)


@moto_patch
def default_run_instances_root_volume_size() -> None:
    """Set ``VolumeSize`` of the root volume to that of the image where RunInstances omits it.

    moto 5.2.5: rejects a block device mapping without size and snapshot.

    AWS: the root volume has the size of the image's snapshot (8 GiB for Amazon Linux).

    Reason: the instances configure the encryption of the root volume, not its size.
    """
    original = InstanceResponse._parse_block_device_mapping

    def parse_block_device_mapping(self: Any) -> Any:
        images = self.ec2_backend.describe_images(
            filters={"image-id": self._get_param("ImageId", "")}
        )
        root_devices = {image.root_device_name for image in images}
        for mapping in self._get_param("BlockDeviceMappings", []):
            volume = mapping.get("Ebs", {})
            if mapping.get("DeviceName") in root_devices and not volume.get("SnapshotId"):
                volume.setdefault("VolumeSize", _ROOT_VOLUME_SIZE)
        return original(self)

    replace(InstanceResponse, _parse_block_device_mapping=parse_block_device_mapping)


@moto_patch
def implement_monitor_instances() -> None:
    """Implement MonitorInstances and UnmonitorInstances.

    moto 5.2.5: implements neither.

    AWS: both change ``Monitoring.State`` of running instances.

    Reason: the provider calls MonitorInstances also for an instance that it has just created with
    detailed monitoring.
    """

    def set_state(self: Any, state: str) -> ActionResult:
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

    replace(
        Monitoring,
        monitor_instances=lambda self: set_state(self, "enabled"),
        unmonitor_instances=lambda self: set_state(self, "disabled"),
    )


@moto_patch
def describe_instances_with_security_groups() -> None:
    """Return the security groups of the primary network interface as those of the instance.

    moto 5.2.5: stores both independently, and returns no groups for an instance whose request
    specifies the network interface.

    AWS: ``SecurityGroups`` of DescribeInstances lists the groups of the primary interface.

    Reason: the provider plans to replace an instance whose groups are missing.
    """

    def security_groups(self: Any) -> Any:
        primary = getattr(self, "nics", {}).get(0)
        return list(primary._group_set) if primary and primary._group_set else self._groups

    def set_security_groups(self: Any, groups: Any) -> None:
        self._groups = groups
        primary = getattr(self, "nics", {}).get(0)
        if primary:
            primary._group_set = list(groups)

    replace(Instance, security_groups=property(security_groups, set_security_groups))
