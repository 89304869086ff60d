"""Secrets Manager: staging labels move one by one."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from tools.emulator.patching import put


def keep_other_labels_when_current_moves() -> None:
    """A new AWSCURRENT takes over only the labels it is given.

    AWS gives AWSPREVIOUS to the version that loses AWSCURRENT and leaves its other labels; moto
    replaces them all, so that a version made as AWSPENDING loses that label.
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

    put(FakeSecret, reset_default_version=reset_default_version)


def follow_the_current_label() -> None:
    """A secret read without version or label is the one labelled AWSCURRENT.

    moto remembers the version that last became current by a write, and overlooks a label moved
    by UpdateSecretVersionStage.
    """
    original = SecretsManagerBackend.update_secret_version_stage

    def update_secret_version_stage(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, secret_id, *args, **kwargs)
        secret = self.secrets[secret_id]
        for version_id, version in secret.versions.items():
            if "AWSCURRENT" in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return answer

    put(SecretsManagerBackend, update_secret_version_stage=update_secret_version_stage)
