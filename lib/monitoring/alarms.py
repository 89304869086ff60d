"""CloudWatch alarms, each created from an `AlarmRule`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from constructs import Construct

from lib.context import Context
from lib.monitoring.notifications import AlarmTopic


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """One alarm: the metric, its statistic, and the threshold. `meaning` is the description."""

    name: str
    meaning: str
    namespace: str
    metric: str
    statistic: str
    threshold: float
    comparison: Literal[
        "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
    ] = "GreaterThanThreshold"
    period_seconds: int = 300
    periods: int = 1
    dimensions: Mapping[str, str] = field(default_factory=dict)


class Alarm(Construct):
    """Creates an alarm that publishes to the topic in state ALARM and when it returns to OK.

    Missing data does not breach the threshold: a function that is not invoked reports no metrics.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        topic: AlarmTopic,
        rule: AlarmRule,
    ) -> None:
        super().__init__(scope, id_)
        percentile = rule.statistic.startswith("p")
        self.alarm = CloudwatchMetricAlarm(
            self,
            "Resource",
            alarm_name=context.name(rule.name),
            alarm_description=rule.meaning,
            namespace=rule.namespace,
            metric_name=rule.metric,
            dimensions=dict(rule.dimensions) or None,
            statistic=None if percentile else rule.statistic,
            extended_statistic=rule.statistic if percentile else None,
            comparison_operator=rule.comparison,
            threshold=rule.threshold,
            period=rule.period_seconds,
            evaluation_periods=rule.periods,
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags=context.name_tag(rule.name),
        )
        self.arn = self.alarm.arn
