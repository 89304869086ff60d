"""Databases whose versions, classes or backups violate a rule."""

from __future__ import annotations

from tests.support.plants import added, setting

VERSIONS = "require_supported_versions"
CLASSES = "require_supported_instance_classes"
BACKUPS = "keep_restorable_backups"

# The standard support of 13 ended on 2026-02-28; Extended Support is disabled.
setting(VERSIONS, "aws_rds_cluster", None, "engine_version", "13.20")
setting(VERSIONS, "aws_db_instance", None, "engine_version", "13", "web")
setting(CLASSES, "aws_rds_cluster_instance", "Database/Writer", "instance_class", "db.t2.micro")
setting(CLASSES, "aws_db_instance", None, "instance_class", "db.t2.micro", "web")
setting(BACKUPS, "aws_rds_cluster", None, "delete_automated_backups", None)
setting(BACKUPS, "aws_db_instance", None, "delete_automated_backups", True, "web")
# The key is deleted 7 days after its deletion was scheduled.
setting(BACKUPS, "aws_rds_cluster", None, "backup_retention_period", 8)
setting(BACKUPS, "aws_db_instance", None, "backup_retention_period", 8, "web")
added(BACKUPS, "aws_db_instance", {"delete_automated_backups": False})
