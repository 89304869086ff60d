"""Alarms of the CIS AWS Foundations Benchmark on the log group of a trail."""

from __future__ import annotations

from collections.abc import Collection

from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from constructs import Construct

from lib.context import Context
from lib.monitoring.alarms import Alarm, AlarmRule
from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.notifications import AlarmTopic


class CisAlarms(Construct):
    """Creates a metric filter and an alarm for each row of `CIS_ALARMS`, except those in `exclude`.

    A metric filter evaluates only the events that a trail delivers to the log group. One match
    within five minutes is an alarm. `exclude` contains the numbers after "4.".
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        log_group_name: str,
        topic: AlarmTopic,
        exclude: Collection[int] = (),
    ) -> None:
        super().__init__(scope, id_)
        # One namespace per environment: environments in one account must not share metrics.
        namespace = context.name("tap-cis")
        self.alarms = []
        for row in CIS_ALARMS:
            if row.number in exclude:
                continue
            name = f"cis-4-{row.number}-{row.name}"
            CloudwatchLogMetricFilter(
                self,
                f"{row.name}-filter",
                name=context.name(name),
                log_group_name=log_group_name,
                pattern=row.pattern,
                metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
                    name=row.name, namespace=namespace, value="1", default_value="0"
                ),
            )
            rule = AlarmRule(
                name=name,
                meaning=f"CIS 4.{row.number}: {row.meaning}",
                namespace=namespace,
                metric=row.name,
                statistic="Sum",
                comparison="GreaterThanOrEqualToThreshold",
                threshold=1,
            )
            self.alarms.append(
                Alarm(self, f"{row.name}-alarm", context=context, topic=topic, rule=rule)
            )
