"""Images, roles and user data of EC2 instances."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from cdktf_cdktf_provider_aws.data_aws_ssm_parameter import DataAwsSsmParameter
from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.security.roles import ServiceRole

# Public SSM parameters with the id of the newest x86-64 image of each Amazon Linux release.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/finding-an-ami-parameter-store.html
IMAGES = {
    "2": "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-default-hvm-x86_64-gp2",
    "2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
}
# Amazon Linux 2023 has only the journal; rsyslog writes the files in /var/log.
# https://docs.aws.amazon.com/linux/al2023/ug/journald.html
PACKAGES = {
    "2": ("amazon-cloudwatch-agent",),
    "2023": ("amazon-cloudwatch-agent", "rsyslog"),
}
# The channels of a Session Manager session; these actions accept no resource.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
SESSION_CHANNELS = (
    *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
)

_AGENT = "/opt/aws/amazon-cloudwatch-agent"
# Shell variables have no braces, because Terraform interprets `${`.
_RETRY = """\
retry() {
  for attempt in $(seq 30); do
    "$@" && return 0
    sleep 10
  done
  return 1
}"""


def newest_image(scope: Construct, id_: str, release: str) -> str:
    """The id of the newest image of an Amazon Linux release, read at every plan.

    The caller decides whether a newer image replaces the instance. Raises `ValueError` for a
    release that is not in `IMAGES`.
    """
    # `value` has the same content, but plans hide it.
    return DataAwsSsmParameter(scope, id_, name=IMAGES[_known(release)]).insecure_value


class InstanceRole(ServiceRole):
    """Creates the role of EC2 instances and its instance profile.

    The role may register for Session Manager sessions and write to `log_groups`; `grant` adds
    permissions. The AWS managed policy AmazonSSMManagedInstanceCore also reads every parameter of
    the account, so it is not attached.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        description: str,
        log_groups: Sequence[LogGroup],
    ) -> None:
        super().__init__(
            scope, id_, context=context, kind=kind, assumed_by="ec2", description=description
        )
        account = context.account
        self.profile = IamInstanceProfile(
            self,
            "Profile",
            name=context.name(kind),
            role=self.role.name,
            tags=context.name_tag(kind),
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
    """The user data of an instance with an Amazon Linux release; it runs once, as root.

    It installs and starts the CloudWatch agent, which sends the files of `logs` to their log groups
    (one stream per instance and file), then runs the lines of `setup`. It stops at the first error;
    /var/log/cloud-init-output.log has the output. For a launch template, encode it with
    `Fn.base64encode`. Raises `ValueError` for a release that is not in `IMAGES`.
    """
    agent = {
        # Only root reads /var/log/secure.
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
            # An instance may start before its default route exists.
            _RETRY,
            # On Amazon Linux 2023 yum is an alias of dnf.
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
            " and PACKAGES in lib/compute/instances.py."
        )
    return release
