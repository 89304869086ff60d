"""Settings: the one place that reads environment variables and files.

`load_settings()` merges, strongest first, environment variables, the environment's file
`config/<suffix>.toml` and the defaults into one frozen `Settings`. Wrong input raises
`SettingsError`, whose text names each field, the value received, what is accepted and what to do.

Environment variables: the names in `PLAIN_VARIABLES`, and `TAP_<SECTION>_<FIELD>` for everything
else (`TAP_NETWORK_CIDR`, `TAP_DATABASE_READER_COUNT`). Lists are separated by commas.
"""

from lib.settings.fields import LOG_RETENTION_DAYS, SettingsError
from lib.settings.loading import PLAIN_VARIABLES, load_settings
from lib.settings.model import Settings
from lib.settings.sections import (
    BastionSettings,
    DatabaseFields,
    PostgresSettings,
    WebSettings,
)
from lib.settings.vpc import VpcSettings

__all__ = [
    "LOG_RETENTION_DAYS",
    "PLAIN_VARIABLES",
    "BastionSettings",
    "DatabaseFields",
    "PostgresSettings",
    "Settings",
    "SettingsError",
    "VpcSettings",
    "WebSettings",
    "load_settings",
]
