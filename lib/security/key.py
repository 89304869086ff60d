"""Customer managed KMS keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lib.account import Account
from lib.iam_policy import Conditions, Statement, service
from lib.naming import Naming
from lib.security.policy_document import PolicyDocument

# The actions of a key administrator, without those that use the key or grant its use.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
KEY_ADMINISTRATION = (
    *("kms:CreateAlias", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*"),
    *("kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource"),
    *("kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
    "kms:RotateKeyOnDemand",
)
KEY_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
# The actions of a service that writes encrypted data: multipart writes decrypt the data key again.
KEY_WRITE = ("kms:GenerateDataKey*", "kms:Decrypt")
# The shortest waiting period that KMS accepts.
DELETION_WINDOW_DAYS = 7


class EncryptionKey(Construct):
    """Creates a customer managed KMS key with yearly rotation, and its alias.

    Guarantee: no principal uses the key directly. The account administers it. Principals of the
    account use it through the services in `via_services`, with their own permissions, and services
    in `grant_services` create grants for their resources. A service principal uses it only after
    `allow_service`. Constructs that encrypt with the key add what they require.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        naming: Naming,
        account: Account,
        via_services: Sequence[str] = (),
        grant_services: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._account = account
        self._via_services, self._grant_services = [*via_services], [*grant_services]
        # One for each service principal and statement id, whose condition values are merged.
        self._service_statements: dict[str, Statement] = {}
        self._policy = PolicyDocument(*self._statements())
        self.key = KmsKey(
            self,
            "Resource",
            description=f"Encrypts the data of the {naming.suffix} environment",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=self._policy.to_json(),
            tags=naming.name_tag("key"),
        )
        self._policy.attach(self.key)
        self.arn = self.key.arn
        KmsAlias(self, "Alias", name=f"alias/{naming.deployment}", target_key_id=self.key.key_id)

    def allow_via_service(self, *services: str, create_grants: bool = False) -> None:
        """Let principals of the account use the key through AWS services, such as `rds`.

        With `create_grants` the services may also create grants for their resources, as RDS, EC2
        and Lambda require.
        """
        for known, added in (
            (self._via_services, services),
            (self._grant_services, services if create_grants else ()),
        ):
            known += [one for one in added if one not in known]
        self._write()

    def allow_service(
        self, principal: str, *, sid: str, actions: Sequence[str], conditions: Conditions
    ) -> None:
        """Let an AWS service use the key under conditions: `allow_service("logs.us-east-1", …)`.

        Further calls with the same `sid` add the values of their conditions. Raises `ValueError` if
        such a call has another principal, other actions or other condition keys.
        """
        statement = Statement(
            sid=sid, principals=service(principal), actions=actions, conditions=conditions
        )
        self._service_statements[sid] = _merge(self._known(sid), statement)
        self._write()

    def grant(self, *statements: Statement) -> None:
        """Add statements to the key policy.

        Raises `ValueError` for a statement without a sid, or with the sid of another statement.
        """
        for statement in statements:
            if not statement.sid or self._known(statement.sid) not in (None, statement):
                raise ValueError(
                    f"grant: received a statement with the sid {statement.sid!r}; accepted: a sid"
                    " that no other statement of the key policy has. Choose another sid."
                )
            self._service_statements[statement.sid] = statement
        self._write()

    def _known(self, sid: str) -> Statement | None:
        return next((one for one in self._statements() if one.sid == sid), None)

    def _write(self) -> None:
        statements = self._statements()
        if statements != self._policy.statements:
            self._policy.statements = statements
            self._policy.write()

    def _statements(self) -> list[Statement]:
        principals = {"AWS": [self._account.root_arn]}
        statements = [
            Statement(
                sid="AllowAccountAdministration", principals=principals, actions=KEY_ADMINISTRATION
            )
        ]
        if self._via_services:
            statements.append(
                Statement(
                    sid="AllowUseViaServices",
                    principals=principals,
                    actions=(*KEY_USE, "kms:DescribeKey"),
                    conditions={"StringEquals": self._via(self._via_services)},
                )
            )
        if self._grant_services:
            statements.append(
                Statement(
                    sid="AllowGrantsForServices",
                    principals=principals,
                    actions=("kms:CreateGrant",),
                    conditions={
                        "StringEquals": self._via(self._grant_services),
                        "Bool": {"kms:GrantIsForAWSResource": "true"},
                    },
                )
            )
        return [*statements, *self._service_statements.values()]

    def _via(self, services: Sequence[str]) -> Mapping[str, str | Sequence[str]]:
        return {
            "kms:CallerAccount": self._account.id,
            # Sorted, so that the order in which constructs are created does not change the policy.
            "kms:ViaService": self._account.via_services(*sorted(services)),
        }


def _merge(known: Statement | None, new: Statement) -> Statement:
    """A statement with the condition values of both."""
    if known is None:
        return new
    keys = [
        {operator: [*tests] for operator, tests in one.conditions.items()} for one in (known, new)
    ]
    if replace(known, conditions={}) != replace(new, conditions={}) or keys[0] != keys[1]:
        raise ValueError(
            f"allow_service: received another statement {new.sid!r}; accepted: the same principal,"
            " actions and condition keys. Choose another sid."
        )
    conditions = {
        operator: {key: _union(tests[key], new.conditions[operator][key]) for key in tests}
        for operator, tests in known.conditions.items()
    }
    return replace(known, conditions=conditions)


def _union(known: str | Sequence[str], new: str | Sequence[str]) -> str | Sequence[str]:
    values = [[one] if isinstance(one, str) else [*one] for one in (known, new)]
    return [*dict.fromkeys(values[0] + values[1])]


@dataclass(frozen=True)
class ExistingKey:
    """A KMS key that is managed elsewhere; its owner maintains the key policy."""

    arn: str

    def allow_via_service(self, *services: str, create_grants: bool = False) -> None:
        """Has no effect: the owner of the key maintains its policy."""

    def allow_service(
        self, principal: str, *, sid: str, actions: Sequence[str], conditions: Conditions
    ) -> None:
        """Has no effect: the owner of the key maintains its policy."""

    def grant(self, *statements: Statement) -> None:
        """Has no effect: the owner of the key maintains its policy."""


# The key of a context: one of this system, or an existing one.
Key = EncryptionKey | ExistingKey
