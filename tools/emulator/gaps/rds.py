"""RDS: instances are individuals, and say what they were asked for."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

import secrets
import string
from typing import Any

from moto.rds.models import DBCluster, DBClusterParameterGroup, DBInstance, DBParameterGroup

from tools.emulator.patching import put


def give_each_instance_its_own_resource_id() -> None:
    """Each instance has a DbiResourceId of its own; in moto all share one.

    The provider looks instances up by it and finds several, or the wrong one.
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        alphabet = string.ascii_uppercase + string.digits
        self.dbi_resource_id = "db-" + "".join(secrets.choice(alphabet) for _ in range(26))

    put(DBInstance, __init__=init)


def keep_performance_insights() -> None:
    """An instance tells its Performance Insights settings; moto drops them at creation.

    Without them every plan wants to switch them on again.
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        enabled = bool(kwargs.get("enable_performance_insights"))
        self.performance_insights_enabled = enabled
        self.performance_insights_kms_key_id = kwargs.get("performance_insights_kms_key_id")
        retention = kwargs.get("performance_insights_retention_period")
        self.performance_insights_retention_period = retention or (7 if enabled else None)

    put(DBInstance, __init__=init)


def tell_scaling_of_serverless_clusters_only() -> None:
    """A provisioned cluster has no ScalingConfigurationInfo; moto sends an empty one.

    The provider takes it for a block that the configuration lacks, in every plan.
    """
    original = vars(DBCluster)["scaling_configuration_info"].fget

    def scaling_configuration_info(self: Any) -> Any:
        return original(self) if self.scaling_configuration else None

    put(DBCluster, scaling_configuration_info=property(scaling_configuration_info))


def say_that_set_parameters_come_from_the_user() -> None:
    """A parameter that was set has the source "user"; moto leaves the source out.

    The provider then overlooks it, and sets it again in every plan.
    """

    def marked(original: Any) -> Any:
        def update(self: Any, new_parameters: Any) -> None:
            original(self, new_parameters)
            for parameter in self.parameters.values():
                parameter.setdefault("Source", "user")

        return update

    put(DBParameterGroup, update_parameters=marked(DBParameterGroup.update_parameters))
    put(
        DBClusterParameterGroup,
        update_cluster_parameters=marked(DBClusterParameterGroup.update_cluster_parameters),
    )


def issue_certificates_by_the_current_authority() -> None:
    """An instance's default certificate authority is rds-ca-rsa2048-g1, not "rds-ca-default".

    Whoever asks for the real default would wait two minutes for a change and a reboot.
    """
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("ca_certificate_identifier", "rds-ca-rsa2048-g1")
        original(self, *args, **kwargs)

    put(DBInstance, __init__=init)


def choose_a_minor_version() -> None:
    """Asked for a major version of PostgreSQL, RDS takes a minor one of it; moto keeps the major.

    Which one changes every few months; 5 is one that every major version has had.
    """
    original = vars(DBInstance)["engine_version"]

    def engine_version(self: Any, value: str) -> None:
        whole = f"{value}.5" if self.engine == "postgres" and "." not in value else value
        original.fset(self, whole)

    put(DBInstance, engine_version=property(original.fget, engine_version))
