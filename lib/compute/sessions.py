"""Recording of Session Manager sessions."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.ssm_document import SsmDocument
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.security.roles import ServiceRole
from lib.suppressions import suppress

# The document of sessions that are started without one; a Region of an account has one.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-default-session-document.html
DEFAULT_DOCUMENT = "SSM-SessionManagerRunShell"
IDLE_TIMEOUT_MINUTES = "20"


class SessionRecording(Construct):
    """Creates a session document that sends the input and output of shells to a new log group.

    SSM Agent sends them while the session is active, and starts no session without the encrypted
    log group. Without `default` only sessions with `--document-name` are recorded; with it, all
    sessions of the account in the Region that name no document. Sessions that forward ports, and
    SSH through Session Manager, have encrypted contents and cannot be recorded.
    """

    def __init__(
        self, scope: Construct, id_: str, *, context: Context, path: str, default: bool
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = LogGroup(self, "Logs", context=context, path=path, kind="sessions")
        self.document = SsmDocument(
            self,
            "Resource",
            name=DEFAULT_DOCUMENT if default else context.name("session"),
            document_type="Session",
            document_format="JSON",
            content=json.dumps(
                {
                    "schemaVersion": "1.0",
                    "description": "Shells that are recorded in a log group",
                    "sessionType": "Standard_Stream",
                    "inputs": {
                        "s3BucketName": "",
                        "s3KeyPrefix": "",
                        "s3EncryptionEnabled": True,
                        "cloudWatchLogGroupName": self.log_group.name,
                        "cloudWatchEncryptionEnabled": True,
                        "cloudWatchStreamingEnabled": True,
                        "idleSessionTimeout": IDLE_TIMEOUT_MINUTES,
                        "runAsEnabled": False,
                        "runAsDefaultUser": "",
                        "kmsKeyId": "",
                    },
                }
            ),
            tags=context.name_tag("session"),
        )
        if default:
            suppress(
                self.document,
                since="2026-11",
                reasons={"names_end_with_suffix": "Session Manager looks for this name"},
            )
        suppress(
            self.document,
            since="2026-11",
            reasons={
                "CKV_AWS_112": "Session Manager uses TLS; a key for the data as well would require"
                " kms:GenerateDataKey of every user"
            },
        )

    def allow(self, role: ServiceRole) -> None:
        """Let the instances with a role record sessions.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
        """
        role.grant(
            Statement(
                sid="RecordSessions",
                actions=(
                    *("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
                ),
                resources=(f"{self.log_group.arn}:*",),
            ),
            # SSM Agent looks for the log group and whether it is encrypted; the action accepts no
            # resource.
            Statement(sid="FindLogGroup", actions=("logs:DescribeLogGroups",)),
        )
