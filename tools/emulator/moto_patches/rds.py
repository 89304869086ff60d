"""Patches of RDS and Aurora."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import secrets
import string
from typing import Any

from moto.rds.models import DBCluster, DBClusterParameterGroup, DBInstance, DBParameterGroup

from tools.emulator.moto_patches.patching import moto_patch, replace

_DEFAULT_AUTHORITY = "rds-ca-rsa2048-g1"
# The default minor version changes every few months; every major version has a minor version 5.
_MINOR_VERSION = 5


@moto_patch
def generate_create_db_instance_resource_id() -> None:
    """Generate a unique ``DbiResourceId`` for each instance.

    moto 5.2.5: returns the same ``DbiResourceId`` for every instance.

    AWS: the id is unique within a Region and never changes.

    Reason: the provider looks instances up by this id and finds several, or the wrong one
    ("couldn't find resource").
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        alphabet = string.ascii_uppercase + string.digits
        self.dbi_resource_id = "db-" + "".join(secrets.choice(alphabet) for _ in range(26))

    replace(DBInstance, __init__=init)


@moto_patch
def store_create_db_instance_performance_insights() -> None:
    """Store the Performance Insights fields of CreateDBInstance.

    moto 5.2.5: ignores ``EnablePerformanceInsights``, ``PerformanceInsightsKMSKeyId`` and
    ``PerformanceInsightsRetentionPeriod`` at creation.

    AWS: returns all three; the default retention period is 7 days.

    Reason: the provider plans to enable Performance Insights in every plan.
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        enabled = bool(kwargs.get("enable_performance_insights"))
        self.performance_insights_enabled = enabled
        self.performance_insights_kms_key_id = kwargs.get("performance_insights_kms_key_id")
        retention = kwargs.get("performance_insights_retention_period")
        self.performance_insights_retention_period = retention or (7 if enabled else None)

    replace(DBInstance, __init__=init)


@moto_patch
def omit_describe_db_clusters_scaling_configuration_info() -> None:
    """Omit ``ScalingConfigurationInfo`` of provisioned clusters from DescribeDBClusters.

    moto 5.2.5: returns an empty ``ScalingConfigurationInfo`` for every cluster.

    AWS: returns it for clusters of Aurora Serverless v1 only.

    Reason: the provider reads it as a ``scaling_configuration`` block and plans its removal.
    """
    original = vars(DBCluster)["scaling_configuration_info"].fget

    def scaling_configuration_info(self: Any) -> Any:
        return original(self) if self.scaling_configuration else None

    replace(DBCluster, scaling_configuration_info=property(scaling_configuration_info))


@moto_patch
def return_describe_db_parameters_source() -> None:
    """Return ``Source`` ``user`` for parameters that were set.

    moto 5.2.5: DescribeDBParameters and DescribeDBClusterParameters omit ``Source``.

    AWS: ``Source`` is ``user`` for a parameter that ModifyDBParameterGroup or
    ModifyDBClusterParameterGroup has set.

    Reason: the provider ignores parameters with another source and plans to set them again.
    """

    def with_source(original: Any) -> Any:
        def update(self: Any, new_parameters: Any) -> None:
            original(self, new_parameters)
            for parameter in self.parameters.values():
                parameter.setdefault("Source", "user")

        return update

    replace(DBParameterGroup, update_parameters=with_source(DBParameterGroup.update_parameters))
    replace(
        DBClusterParameterGroup,
        update_cluster_parameters=with_source(DBClusterParameterGroup.update_cluster_parameters),
    )


@moto_patch
def default_create_db_instance_ca_certificate_identifier() -> None:
    """Set ``CACertificateIdentifier`` to ``rds-ca-rsa2048-g1`` where it is omitted.

    moto 5.2.5: the default is ``rds-ca-default``.

    AWS: the default authority is ``rds-ca-rsa2048-g1``.

    Reason: a configuration that names the default would wait two minutes for a modification.
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("ca_certificate_identifier", _DEFAULT_AUTHORITY)
        original(self, *args, **kwargs)

    replace(DBInstance, __init__=init)


@moto_patch
def resolve_create_db_instance_engine_version() -> None:
    """Resolve a major ``EngineVersion`` of PostgreSQL to one of its minor versions.

    moto 5.2.5: stores and returns the major version as it was received, for example ``16``.

    AWS: CreateDBInstance and ModifyDBInstance select a minor version and return it.

    Reason: the test that the next plan is empty would not cover a configured major version and a
    returned minor version.
    """
    original = vars(DBInstance)["engine_version"]

    def engine_version(self: Any, value: str) -> None:
        is_major = self.engine == "postgres" and "." not in value
        original.fset(self, f"{value}.{_MINOR_VERSION}" if is_major else value)

    replace(DBInstance, engine_version=property(original.fget, engine_version))
