"""Settings: the only package that reads environment variables and files.

`load_settings()` merges environment variables, the file `config/<suffix>.toml` and the defaults, in
this order of precedence, into one frozen `Settings`. Invalid input raises `SettingsError`, whose
text contains for each field the value received, the values accepted and the correction.

Environment variables have the names in `PLAIN_VARIABLES`, or `TAP_<SECTION>_<FIELD>` for all other
fields (`TAP_NETWORK_CIDR`, `TAP_DATABASE_READER_COUNT`). Lists are separated by commas.
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
