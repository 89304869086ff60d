"""What EC2 instances of every system need: an image, a role, and how they set themselves up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from cdktf_cdktf_provider_aws.data_aws_ssm_parameter import DataAwsSsmParameter
from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from constructs import Construct

from lib.context import Foundation
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.security.roles import ServiceRole

# Releases of Amazon Linux, and the public parameters in which AWS keeps the id of the newest image
# of each (x86-64), a value for each Region.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/finding-an-ami-parameter-store.html
IMAGES = {
    "2": "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-default-hvm-x86_64-gp2",
    "2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
}
# Amazon Linux 2023 keeps its journal only; the files in /var/log are rsyslog's.
# https://docs.aws.amazon.com/linux/al2023/ug/journald.html
PACKAGES = {
    "2": ("amazon-cloudwatch-agent",),
    "2023": ("amazon-cloudwatch-agent", "rsyslog"),
}
# The channels a session runs through; the agent opens them by itself, and they have no resource.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
SESSION_CHANNELS = (
    *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
)

_AGENT = "/opt/aws/amazon-cloudwatch-agent"
# The shell's variables stand without braces, which Terraform would read as its own.
_RETRY = """\
retry() {
  for attempt in $(seq 30); do
    "$@" && return 0
    sleep 10
  done
  return 1
}"""


def newest_image(scope: Construct, id_: str, release: str) -> str:
    """The id of the newest image of an Amazon Linux release, found each time Terraform plans.

    Whoever takes it decides whether a newer image replaces what runs. Raises `ValueError` for a
    release that `IMAGES` does not have.
    """
    # `value` would be the same, but hidden in every plan as if it were a secret.
    return DataAwsSsmParameter(scope, id_, name=IMAGES[_known(release)]).insecure_value


class InstanceRole(ServiceRole):
    """Creates the role of EC2 instances, and the profile they carry it in.

    They may offer Session Manager sessions and write to `log_groups`; everything else is granted.
    AWS's managed policy for the former would let them read every parameter of the account as well.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        kind: str,
        description: str,
        log_groups: Sequence[LogGroup],
    ) -> None:
        super().__init__(
            scope, id_, foundation=foundation, kind=kind, assumed_by="ec2", description=description
        )
        settings, account = foundation.settings, foundation.account
        self.profile = IamInstanceProfile(
            self,
            "Profile",
            name=settings.name(kind),
            role=self.role.name,
            tags=settings.name_tag(kind),
        )
        self.grant(
            Statement(
                sid="RegisterForSessions",
                actions=("ssm:UpdateInstanceInformation",),
                resources=(account.arn("ec2", "instance/*"),),
            ),
            Statement(sid="OfferSessions", actions=SESSION_CHANNELS),
        )
        if log_groups:
            self.grant(
                Statement(
                    sid="WriteLogs",
                    actions=(
                        *("logs:CreateLogStream", "logs:DescribeLogStreams"),
                        "logs:PutLogEvents",
                    ),
                    resources=tuple(f"{group.arn}:*" for group in log_groups),
                )
            )


def user_data(*, release: str, setup: Sequence[str], logs: Mapping[str, LogGroup]) -> str:
    """The script that an instance of an Amazon Linux release runs as root when it first starts.

    It installs and starts the CloudWatch agent, which sends the files of `logs` to their groups (a
    stream for each instance and file), then runs the lines of `setup`; what fails stops it, and
    /var/log/cloud-init-output.log says where. For a launch template, encode it with
    `Fn.base64encode`. Raises `ValueError` for a release that `IMAGES` does not have.
    """
    agent = {
        # /var/log/secure is root's alone.
        "agent": {"run_as_user": "root"},
        "logs": {
            "logs_collected": {
                "files": {
                    "collect_list": [
                        {
                            "file_path": path,
                            "log_group_name": group.name,
                            "log_stream_name": f"{{instance_id}}/{PurePosixPath(path).name}",
                        }
                        for path, group in logs.items()
                    ]
                }
            }
        },
    }
    return "\n".join(
        (
            "#!/bin/bash",
            "set -euo pipefail",
            # An instance may start before its route out is there.
            _RETRY,
            # Amazon Linux 2023 knows dnf by this name too.
            f"retry yum install -y {' '.join(PACKAGES[_known(release)])}",
            *(["systemctl enable --now rsyslog"] if "rsyslog" in PACKAGES[release] else []),
            f"cat > {_AGENT}/etc/logs.json <<'AGENT'",
            json.dumps(agent, indent=2),
            "AGENT",
            f"{_AGENT}/bin/amazon-cloudwatch-agent-ctl"
            f" -a fetch-config -m ec2 -s -c file:{_AGENT}/etc/logs.json",
            *setup,
            "",
        )
    )


def _known(release: str) -> str:
    if release not in IMAGES:
        raise ValueError(
            f"release: received {release!r}; accepted: {', '.join(IMAGES)}. Add a row to IMAGES"
            " and PACKAGES in lib/instances.py."
        )
    return release
