"""EC2: flow logs and security group rules keep all they are given."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.ec2.models.flow_logs import FlowLogs, FlowLogsBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.flow_logs import FlowLogs as FlowLogsResponse

from tools.emulator.patching import put

_OPTIONS = ("FileFormat", "HiveCompatiblePartitions", "PerHourPartition")


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
