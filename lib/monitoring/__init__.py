"""Monitoring: trail, alarms, AWS Config, findings and the dashboard, one module each."""

from __future__ import annotations

from constructs import Construct

from lib.account import Account
from lib.data_processing import DataProcessing
from lib.database import AuroraCluster
from lib.monitoring.alarms import Alarm, AlarmRule, aurora_rules, function_rules, queue_rules
from lib.monitoring.cis import CisAlarms
from lib.monitoring.compliance import ConfigCompliance
from lib.monitoring.dashboard import Dashboard
from lib.monitoring.findings import Findings
from lib.monitoring.notifications import AlarmTopic
from lib.monitoring.trail import Trail
from lib.security import EncryptionKey, RegionRestriction
from lib.settings import Settings
from lib.storage import Retention, SecureBucket

__all__ = ["Alarm", "AlarmRule", "AlarmTopic", "Monitoring"]


class Monitoring(Construct):
    """Creates the alarm topic and all that watches: the account, the database, the function.

    What an account may have only once goes by a switch: `monitoring.trail` (with the CIS alarms,
    which see nothing without it) and `monitoring.config_recorder` (with its rules). The audit
    bucket holds what both deliver.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
        restriction: RegionRestriction,
        access_logs: SecureBucket,
        database: AuroraCluster,
        processing: DataProcessing,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = AlarmTopic(self, "Topic", settings=settings, account=account, key=key)
        alarms: list[Alarm] = []
        self.audit_logs: SecureBucket | None = None
        self.trail: Trail | None = None
        if settings.monitoring.trail or settings.monitoring.config_recorder:
            self.audit_logs = SecureBucket(
                self,
                "Audit",
                settings=settings,
                account=account,
                kind="audit-logs",
                key=key,
                # CloudTrail's use of the key is tied to the trail, and its digest files may come
                # under SSE-S3: AWS's documents differ.
                bucket_key=False,
                own_encryption="cloudtrail",
                access_logs=access_logs,
                retention=Retention(
                    expiration_days=settings.storage.log_expiration_days,
                    noncurrent_version_days=settings.storage.noncurrent_version_days,
                ),
            )
            self.audit_logs.require_mfa_for_deletion()
        if self.audit_logs and settings.monitoring.trail:
            self.trail = Trail(
                self,
                "Trail",
                settings=settings,
                account=account,
                key=key,
                restriction=restriction,
                bucket=self.audit_logs,
            )
            alarms += CisAlarms(
                self, "Cis", settings=settings, log_group=self.trail.log_group, topic=self.topic
            ).alarms
        if self.audit_logs and settings.monitoring.config_recorder:
            ConfigCompliance(
                self,
                "Config",
                settings=settings,
                account=account,
                key=key,
                restriction=restriction,
                bucket=self.audit_logs,
            )
        alarms += Findings(self, "Findings", settings=settings, topic=self.topic).alarms
        cluster_identifier = database.cluster.cluster_identifier
        function_name = processing.function.function_name
        queue_name = processing.queue.queue.name
        dead_letters_name = processing.queue.dead_letters.name
        for rule in (
            *aurora_rules(cluster_identifier),
            *function_rules(function_name, settings.processing.timeout_seconds),
            *queue_rules(
                queue_name, dead_letters_name, processing.queue.visibility_timeout_seconds
            ),
        ):
            alarms.append(Alarm(self, rule.name, settings=settings, topic=self.topic, rule=rule))
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            settings=settings,
            alarms=alarms,
            cluster_identifier=cluster_identifier,
            function_name=function_name,
            queue_name=queue_name,
            dead_letters_name=dead_letters_name,
        ).dashboard
