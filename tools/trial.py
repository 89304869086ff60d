"""What stacks cannot be without and a trial has none of: a key to log in by, a zone of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tools.emulator import Emulator
from tools.errors import ToolError

# Reserved for tests, so nobody's: https://www.rfc-editor.org/rfc/rfc6761
DOMAIN = "example.test"
WEB_VARIABLES = ("TAP_WEB_DOMAIN_NAME", "TAP_WEB_HOSTED_ZONE_ID", "TAP_WEB_CERTIFICATE_ARN")


def public_key() -> str:
    """A new SSH public key, whose private one is thrown away."""
    key = Ed25519PrivateKey.generate().public_key()
    return f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} trial"


@contextlib.contextmanager
def hosted_zone(emulator: Emulator, domain: str = DOMAIN) -> Iterator[str]:
    """Make a public zone for a domain, yield its id, and take the zone away again.

    ToolError where records are left in it, with which AWS would keep it too.
    """
    route53 = emulator.client("route53")
    made = route53.create_hosted_zone(Name=domain, CallerReference=domain)
    zone_id = str(made["HostedZone"]["Id"]).rpartition("/")[2]
    yield zone_id
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    left = [f"{one['Type']} {one['Name']}" for one in records if one["Type"] not in ("NS", "SOA")]
    if left:
        raise ToolError(f"hosted zone {domain}: records are left: {', '.join(left)}")
    route53.delete_hosted_zone(Id=zone_id)


class TrialSettings(contextlib.ExitStack):
    """Settings for a trial of stacks, where the environment does not give them; closing it takes
    away what was made for them."""

    def __init__(
        self, emulator: Emulator, stacks: list[str], environment: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.variables: dict[str, str] = {}
        self.told: list[str] = []
        given = {name for name, value in environment.items() if value}
        if "bastion" in stacks and "TAP_BASTION_PUBLIC_KEY" not in given:
            self.variables["TAP_BASTION_PUBLIC_KEY"] = public_key()
            self.told.append("bastion: its SSH key is made up, and nobody has the private one")
        if "web" in stacks and not given.intersection(WEB_VARIABLES):
            zone_id = self.enter_context(hosted_zone(emulator))
            self.variables["TAP_WEB_DOMAIN_NAME"] = f"app.{DOMAIN}"
            self.variables["TAP_WEB_HOSTED_ZONE_ID"] = zone_id
            self.told.append(f"web: app.{DOMAIN}, in the hosted zone {zone_id} made for this trial")
