"""PostgreSQL databases with their secret: Aurora clusters and RDS instances."""

from lib.database.aurora import AuroraCluster
from lib.database.config import AuroraConfig, DatabaseConfig, PostgresConfig
from lib.database.postgres import PostgresInstance
from lib.database.secret import PORT, DatabaseSecret

__all__ = [
    "PORT",
    "AuroraCluster",
    "AuroraConfig",
    "DatabaseConfig",
    "DatabaseSecret",
    "PostgresConfig",
    "PostgresInstance",
]
