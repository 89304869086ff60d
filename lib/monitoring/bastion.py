"""Monitoring of a production network and its bastion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from constructs import Construct

from lib.compute.bastion import Bastion
from lib.context import Context
from lib.monitoring.alarms import Alarm, AlarmRule
from lib.monitoring.compliance import ConfigCompliance
from lib.monitoring.findings import Findings
from lib.monitoring.log_group import LogGroup
from lib.monitoring.metrics import Metrics
from lib.monitoring.notifications import AlarmTopic, Receivers
from lib.networking.network import Network
from lib.storage.bucket import Retention, SecureBucket

FAILED_LOGINS = 10


@dataclass(frozen=True)
class LoginEvent:
    """A metric filter: what it counts, the log group (`logins` or `sessions`) and the pattern."""

    name: str
    log_group: str
    metric: str
    pattern: str


# sshd logs these messages with LogLevel VERBOSE. A log stream of the session log group contains
# only what a recorded session sends.
LOGIN_EVENTS = (
    LoginEvent("ssh-logins", "logins", "Logins", '"Accepted publickey for"'),
    LoginEvent("recorded-sessions", "sessions", "Logins", ""),
    LoginEvent("failed-publickeys", "logins", "FailedLogins", '"Failed publickey for"'),
    LoginEvent("invalid-users", "logins", "FailedLogins", '"Invalid user"'),
    LoginEvent(
        "closed-before-login",
        "logins",
        "FailedLogins",
        '"maximum authentication attempts exceeded"',
    ),
)


@dataclass(frozen=True, kw_only=True)
class BastionMonitoringConfig:
    """Configuration of `BastionMonitoring`.

    `login_alarm` includes the alarm on every login. `regional` includes what a Region of an account
    needs once: the AWS Config recorder with its rules, except `exclude_config_rules`, and the
    notifications of findings.
    """

    receivers: Receivers = field(default_factory=Receivers)
    login_alarm: bool = True
    regional: bool = False
    exclude_config_rules: Collection[str] = ()


class BastionMonitoring(Construct):
    """Creates the alarm topic and the alarms of a bastion and its network.

    The alarms report logins, repeated failed logins, a bastion that fails its status checks and NAT
    gateways without free ports.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        bastion: Bastion,
        config: BastionMonitoringConfig,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = AlarmTopic(self, "Topic", context=context, receivers=config.receivers)
        namespace = context.name("logins")
        groups = {"logins": bastion.logins, "sessions": bastion.sessions.log_group}
        for event in LOGIN_EVENTS:
            _count(self, event, groups[event.log_group], context, namespace)
        rules = [
            _login_rule(
                namespace,
                "failed-logins",
                "FailedLogins",
                f"{FAILED_LOGINS} or more failed logins within five minutes",
                FAILED_LOGINS,
            ),
            *_status_rules(network, bastion),
        ]
        if config.login_alarm:
            rules.append(
                _login_rule(namespace, "login", "Logins", "A user logged in to the bastion", 1)
            )
        for rule in rules:
            Alarm(self, rule.name, context=context, topic=self.topic, rule=rule)
        self.audit_logs: SecureBucket | None = None
        if config.regional:
            Findings(self, "Findings", context=context, topic=self.topic)
            self.audit_logs = SecureBucket(
                self,
                "Audit",
                context=context,
                kind="audit-logs",
                retention=Retention.for_logs(context.log_retention),
            )
            self.audit_logs.require_mfa_for_deletion()
            ConfigCompliance(
                self,
                "Config",
                context=context,
                bucket=self.audit_logs,
                exclude=config.exclude_config_rules,
                global_resources=False,
            )


def _count(
    scope: Construct, event: LoginEvent, log_group: LogGroup, context: Context, namespace: str
) -> None:
    CloudwatchLogMetricFilter(
        scope,
        event.name,
        name=context.name(event.name),
        log_group_name=log_group.name,
        pattern=event.pattern,
        metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
            name=event.metric, namespace=namespace, value="1", default_value="0"
        ),
    )


def _login_rule(
    namespace: str, name: str, metric: str, meaning: str, threshold: float
) -> AlarmRule:
    return AlarmRule(
        name=name,
        meaning=meaning,
        namespace=namespace,
        metric=metric,
        statistic="Sum",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=threshold,
    )


def _status_rules(network: Network, bastion: Bastion) -> list[AlarmRule]:
    host = Metrics("host", "Bastion", "AWS/EC2", {"InstanceId": bastion.instance.id})
    rules = [
        host.rule(
            "status",
            "The bastion fails its status checks",
            "StatusCheckFailed",
            "Maximum",
            0,
            periods=2,
        )
    ]
    for number, gateway in enumerate(network.nat_gateways, start=1):
        nat = Metrics(
            f"nat-gateway-{number}", "NAT", "AWS/NATGateway", {"NatGatewayId": gateway.id}
        )
        rules.append(
            nat.rule(
                "ports",
                "A NAT gateway has no free port for a new connection",
                "ErrorPortAllocation",
                "Sum",
                0,
            )
        )
    return rules
