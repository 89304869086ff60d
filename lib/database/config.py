"""Configuration of PostgreSQL databases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DatabaseConfig:
    """Configuration of a database of either engine and of its secret.

    A higher `password_version` creates and publishes a new password. With `existing_secret_arn` the
    password of that secret (`{"username", "password"}`) is used.
    """

    name: str
    username: str
    instance_class: str = "db.t4g.medium"
    backup_retention_days: int = 7
    password_version: int = 1
    existing_secret_arn: str | None = None
    secret_recovery_days: int = 7


@dataclass(frozen=True, kw_only=True)
class AuroraConfig(DatabaseConfig):
    """Configuration of an Aurora PostgreSQL cluster with one writer and `reader_count` readers."""

    engine_version: str = "16.9"
    reader_count: int = 1

    @property
    def family(self) -> str:
        """The parameter group family, such as aurora-postgresql16."""
        return f"aurora-postgresql{self.engine_version.split('.')[0]}"


@dataclass(frozen=True, kw_only=True)
class PostgresConfig(DatabaseConfig):
    """Configuration of a PostgreSQL instance; storage sizes are in GiB.

    An `engine_version` without a minor version is the default minor version of RDS, which RDS
    upgrades in the maintenance window.
    """

    engine_version: str = "15"
    storage_gb: int = 20
    maximum_storage_gb: int = 100
    multi_az: bool = True

    @property
    def family(self) -> str:
        """The parameter group family, such as postgres15."""
        return f"postgres{self.engine_version.split('.')[0]}"

    @property
    def upgrades_minor_version(self) -> bool:
        """Whether RDS chooses and upgrades the minor version."""
        return "." not in self.engine_version
