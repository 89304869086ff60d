"""Values for a local deployment's settings without a default: an SSH key and a hosted zone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tools.emulator import Emulator
from tools.errors import ToolError

# Reserved for tests by https://www.rfc-editor.org/rfc/rfc6761
DOMAIN = "example.test"
WEB_VARIABLES = ("TAP_WEB_DOMAIN_NAME", "TAP_WEB_HOSTED_ZONE_ID", "TAP_WEB_CERTIFICATE_ARN")


def public_key() -> str:
    """A new SSH public key; its private key is discarded."""
    key = Ed25519PrivateKey.generate().public_key()
    return f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} local"


@contextlib.contextmanager
def hosted_zone(emulator: Emulator, domain: str = DOMAIN) -> Iterator[str]:
    """Create a public hosted zone for a domain, yield its id, and delete the zone.

    Raises ToolError if records remain in it; AWS refuses to delete such a zone too.
    """
    route53 = emulator.client("route53")
    created = route53.create_hosted_zone(Name=domain, CallerReference=domain)
    zone_id = str(created["HostedZone"]["Id"]).rpartition("/")[2]
    yield zone_id
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    remaining = [
        f"{one['Type']} {one['Name']}" for one in records if one["Type"] not in ("NS", "SOA")
    ]
    if remaining:
        raise ToolError(f"hosted zone {domain}: records remain: {', '.join(remaining)}")
    route53.delete_hosted_zone(Id=zone_id)


class LocalPlaceholders(contextlib.ExitStack):
    """Values for settings of `stacks` that have no default and that `environment` does not set.

    `variables` are the settings; `messages` say which were set. Closing deletes the hosted zone.
    """

    def __init__(
        self, emulator: Emulator, stacks: list[str], environment: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.variables: dict[str, str] = {}
        self.messages: list[str] = []
        set_ = {name for name, value in environment.items() if value}
        if "bastion" in stacks and "TAP_BASTION_PUBLIC_KEY" not in set_:
            self.variables["TAP_BASTION_PUBLIC_KEY"] = public_key()
            self.messages.append("bastion: placeholder SSH key, whose private key is discarded")
        if "web" in stacks and not set_.intersection(WEB_VARIABLES):
            zone_id = self.enter_context(hosted_zone(emulator))
            self.variables["TAP_WEB_DOMAIN_NAME"] = f"app.{DOMAIN}"
            self.variables["TAP_WEB_HOSTED_ZONE_ID"] = zone_id
            self.messages.append(f"web: app.{DOMAIN} in the new hosted zone {zone_id}")
