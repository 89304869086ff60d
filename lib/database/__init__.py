"""Databases: the secret both engines share, and a module for each engine."""

from lib.database.aurora import AuroraCluster
from lib.database.postgres import PostgresInstance
from lib.database.secret import PORT, DatabaseSecret

__all__ = ["PORT", "AuroraCluster", "DatabaseSecret", "PostgresInstance"]
