"""What the stacks keep beside the rules, with the controls that it serves: what is logged,
watched and alarmed in the account. Rows of the CIS alarms and of AWS Config come from their tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.compliance import CONFIG_RULES
from lib.rules import RULES, Controls

PROMISE_TESTS = (
    "test_invariants.py::test_promise",
    "test_planted_faults.py::test_planted_fault_is_named",
)
TRAIL, NETWORK = "lib.monitoring.trail.Trail", "lib.networking.network.Network"
CONFIG, BUCKET = "lib.monitoring.compliance.ConfigCompliance", "lib.storage.bucket.SecureBucket"


@dataclass(frozen=True)
class Row:
    """What is kept, for which controls, by what, and the tests that show it."""

    what: str
    controls: Controls
    enforced_by: tuple[str, ...]
    tests: tuple[str, ...]


WATCHED = (
    Row(
        "API calls of all Regions are logged",
        Controls(
            cis=("3.1",), fsbp=("CloudTrail.1",), nist=("AC-2(4)", "AU-2", "AU-3", "AU-12", "SI-4")
        ),
        (TRAIL,),
        ("test_monitoring_trail.py::test_trail",),
    ),
    Row(
        "A changed log file is noticed",
        Controls(cis=("3.2",), fsbp=("CloudTrail.4",), nist=("AU-9", "SI-4", "SI-7(1)", "SI-7(7)")),
        (TRAIL,),
        ("test_monitoring_trail.py::test_trail",),
    ),
    Row(
        "The trail's log is read by alarms",
        Controls(fsbp=("CloudTrail.5",), nist=("AU-6(1)", "AU-6(3)", "AU-6(4)", "SI-4(5)")),
        (TRAIL,),
        ("test_monitoring_trail.py::test_trail",),
    ),
    Row(
        "Nobody but the trail writes to its bucket",
        Controls(nist=("AC-6", "AU-9")),
        (TRAIL, BUCKET),
        ("test_monitoring_trail.py::test_only_this_trail_writes_to_the_bucket",),
    ),
    Row(
        "Configurations of all resources are recorded",
        Controls(cis=("3.3",), fsbp=("Config.1",), nist=("CM-3", "CM-6(1)", "CM-8", "CM-8(2)")),
        (CONFIG,),
        ("test_monitoring_compliance.py::test_recorder_records_everything",),
    ),
    Row(
        "Access to every bucket is logged, the trail's among them",
        Controls(cis=("3.4",), fsbp=("S3.9",), nist=("AC-2(4)", "AU-2", "AU-3", "AU-12")),
        ("lib.storage.access_logs.AccessLogsBucket", BUCKET),
        ("test_storage.py::test_access_is_logged_under_a_prefix_of_its_own",),
    ),
    Row(
        "What is kept in buckets expires or moves as the settings say",
        Controls(fsbp=("S3.13",), nist=("CP-10", "SI-12")),
        ("lib.storage.bucket.Retention", BUCKET),
        ("test_storage.py::test_logs_expire_and_data_moves_but_stays",),
    ),
    Row(
        "Traffic of every network is logged",
        Controls(cis=("3.7",), fsbp=("EC2.6",), nist=("AC-4(26)", "AU-2", "AU-12", "CA-7")),
        (NETWORK,),
        ("test_networking.py::test_flow_logs",),
    ),
    Row(
        "The default security group lets nothing through",
        Controls(cis=("5.4",), fsbp=("EC2.2",), nist=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)")),
        (NETWORK,),
        ("test_networking.py::test_default_security_group_is_emptied",),
    ),
    Row(
        "Nothing runs in a Region that was not chosen",
        Controls(nist=("AC-3", "AC-6", "CM-7")),
        ("lib.security.key.RegionRestriction",),
        (
            "test_security.py::test_region_restriction_denies_other_regions",
            "test_security.py::test_region_restriction_holds_regional_services",
        ),
    ),
    Row(
        "Who administers the key cannot use it",
        Controls(nist=("AC-5", "AC-6", "SC-12")),
        ("lib.security.key.EncryptionKey",),
        ("test_security.py::test_an_administrator_cannot_use_the_key",),
    ),
    Row(
        "Findings of GuardDuty and Security Hub reach a person",
        Controls(nist=("AU-6(1)", "IR-4(1)", "SI-4(5)")),
        ("lib.monitoring.findings.Findings",),
        ("test_monitoring_findings.py::test_severity_and_state_decide",),
    ),
    Row(
        "A firewall looks at requests to the web application",
        Controls(fsbp=("APIGateway.4",), nist=("AC-4(21)", "SC-7")),
        ("lib.security.web_acl.Firewall",),
        ("test_firewall.py::test_stands_before_what_it_protects",),
    ),
    Row(
        "Requests to the load balancer and to the API are logged",
        Controls(
            fsbp=("APIGateway.1", "ELB.5"), nist=("AC-4(26)", "AU-2", "AU-3", "AU-12", "CA-7")
        ),
        ("lib.compute.load_balancer.LoadBalancer", "lib.api.rest_api.Api"),
        (
            "test_load_balancer.py::test_requests_are_logged_to_a_bucket_of_their_own",
            "test_api.py::test_accesses_are_logged_as_json",
            "test_api.py::test_the_group_of_execution_logs_is_there_before_api_gateway_makes_it",
        ),
    ),
)

# AWS Config watches what is there; each of its rules is the same control, seen from the account.
CONFIG_CONTROLS = {
    "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED": Controls(nist=("SC-13", "SC-28")),
    "S3_DEFAULT_ENCRYPTION_KMS": Controls(nist=("SC-12(2)", "SC-28")),
    "RDS_STORAGE_ENCRYPTED": Controls(cis=("2.3.1",), fsbp=("RDS.3",), nist=("SC-28(1)",)),
    "RDS_CLUSTER_ENCRYPTED_AT_REST": Controls(fsbp=("RDS.27",), nist=("SC-28(1)",)),
    "RDS_SNAPSHOT_ENCRYPTED": Controls(fsbp=("RDS.4",), nist=("SC-28(1)",)),
    "ENCRYPTED_VOLUMES": Controls(fsbp=("EC2.3",), nist=("SC-28(1)",)),
    "EC2_EBS_ENCRYPTION_BY_DEFAULT": Controls(cis=("2.2.1",), fsbp=("EC2.7",), nist=("SC-28(1)",)),
    "CLOUD_TRAIL_ENCRYPTION_ENABLED": Controls(
        cis=("3.5",), fsbp=("CloudTrail.2",), nist=("AU-9", "SC-28")
    ),
    "SNS_ENCRYPTED_KMS": Controls(nist=("SC-13", "SC-28")),
    "SECRETSMANAGER_USING_CMK": Controls(nist=("SC-12(2)",)),
    "CLOUDWATCH_LOG_GROUP_ENCRYPTED": Controls(nist=("AU-9(3)", "SC-28")),
    "CMK_BACKING_KEY_ROTATION_ENABLED": Controls(cis=("3.6",), nist=("SC-12", "SC-12(2)")),
    "S3_BUCKET_PUBLIC_READ_PROHIBITED": Controls(fsbp=("S3.2",), nist=("AC-3", "SC-7")),
    "S3_BUCKET_PUBLIC_WRITE_PROHIBITED": Controls(fsbp=("S3.3",), nist=("AC-3", "SC-7")),
    "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED": Controls(
        cis=("2.1.4",), fsbp=("S3.8",), nist=("AC-3", "SC-7")
    ),
    "RDS_INSTANCE_PUBLIC_ACCESS_CHECK": Controls(
        cis=("2.3.3",), fsbp=("RDS.2",), nist=("AC-4", "SC-7")
    ),
    "RDS_SNAPSHOTS_PUBLIC_PROHIBITED": Controls(fsbp=("RDS.1",), nist=("AC-3", "SC-7")),
    "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": Controls(fsbp=("Lambda.1",), nist=("AC-3", "SC-7")),
    "INCOMING_SSH_DISABLED": Controls(cis=("5.2",), nist=("AC-4", "CM-7", "SC-7")),
    "VPC_DEFAULT_SECURITY_GROUP_CLOSED": Controls(
        cis=("5.4",), fsbp=("EC2.2",), nist=("AC-4", "SC-7")
    ),
    "S3_BUCKET_SSL_REQUESTS_ONLY": Controls(
        cis=("2.1.1",), fsbp=("S3.5",), nist=("SC-8", "SC-8(1)")
    ),
    "S3_BUCKET_VERSIONING_ENABLED": Controls(nist=("CP-9", "CP-10", "SI-12")),
    "VPC_FLOW_LOGS_ENABLED": Controls(cis=("3.7",), fsbp=("EC2.6",), nist=("AU-2", "AU-12")),
    "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED": Controls(
        cis=("3.2",), fsbp=("CloudTrail.4",), nist=("AU-9", "SI-7(1)")
    ),
    "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED": Controls(
        fsbp=("CloudTrail.5",), nist=("AU-6(1)", "SI-4(5)")
    ),
}


def sections() -> Iterator[tuple[str, list[Row]]]:
    """The rows of the table, under their headings."""
    yield (
        "Rules",
        [
            Row(
                f"`{one.name}`: {one.check.__doc__}"
                + (" Refused at synth." if one.severity == "high" else ""),
                one.controls,
                one.enforced_by,
                PROMISE_TESTS,
            )
            for one in RULES.values()
        ],
    )
    yield "What is logged and watched", [*WATCHED]
    yield (
        "Alarms",
        [
            Row(
                row.meaning,
                Controls(cis=(f"4.{row.number}",), nist=("AU-6(1)", "SI-4(5)")),
                ("lib.monitoring.cis.CisAlarms",),
                (
                    "test_monitoring_cis.py::test_each_row_makes_a_filter_and_its_alarm",
                    "test_monitoring_cis.py::test_sample",
                ),
            )
            for row in CIS_ALARMS
        ],
    )
    yield (
        "Rules of AWS Config",
        [
            Row(
                f"`{row.identifier}`",
                CONFIG_CONTROLS[row.identifier],
                (CONFIG,),
                (
                    "test_monitoring_compliance.py::test_each_row_makes_a_rule_once_the_recorder_runs",
                ),
            )
            for row in CONFIG_RULES
        ],
    )
