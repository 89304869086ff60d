"""Patches of Secrets Manager: staging labels of secret versions."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def preserve_put_secret_value_version_stages() -> None:
    """Keep the other labels of a version that loses ``AWSCURRENT`` in PutSecretValue.

    moto 5.2.5: replaces all labels of that version by ``AWSPREVIOUS``.

    AWS: adds ``AWSPREVIOUS`` and keeps the labels that the new version does not take over.

    Reason: a version with ``AWSPENDING`` would lose that label, and the provider would plan to
    restore it.
    """

    def reset_default_version(self: Any, secret_version: dict[str, Any], version_id: str) -> None:
        previous = self.versions.get(self.default_version_id)
        self.remove_version_stages_from_old_versions(
            ["AWSPREVIOUS", *secret_version["version_stages"]]
        )
        if previous is not None and previous is not secret_version:
            previous["version_stages"].append("AWSPREVIOUS")
        self.versions[version_id] = secret_version
        self.default_version_id = version_id

    replace(FakeSecret, reset_default_version=reset_default_version)


@moto_patch
def return_get_secret_value_current_version() -> None:
    """Return the version labelled ``AWSCURRENT`` from GetSecretValue without id or label.

    moto 5.2.5: returns the version that last became current by PutSecretValue, also after
    UpdateSecretVersionStage has moved the label.

    AWS: returns the version that has the label ``AWSCURRENT``.

    Reason: a caller would read the previous password after a rotation.
    """
    original = SecretsManagerBackend.update_secret_version_stage

    def update_secret_version_stage(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        response = original(self, secret_id, *args, **kwargs)
        secret = self.secrets[secret_id]
        for version_id, version in secret.versions.items():
            if "AWSCURRENT" in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return response

    replace(SecretsManagerBackend, update_secret_version_stage=update_secret_version_stage)
