"""The context of a system: the values and constructs that all its constructs share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from cdktf import TerraformDataSource, TerraformProvider, TerraformResource, TerraformStack
from constructs import Construct

from lib.account import Account
from lib.naming import Naming

if TYPE_CHECKING:
    # These constructs are created with a context themselves.
    from lib.security.key import Key
    from lib.security.region_restriction import RegionRestriction
    from lib.storage.bucket import SecureBucket


@dataclass(frozen=True, kw_only=True)
class LogRetention:
    """How long logs are kept, in days: log groups, and objects and old versions in log buckets."""

    log_group_days: int = 90
    object_days: int = 365
    noncurrent_version_days: int = 90


@dataclass(frozen=True, kw_only=True)
class Context:
    """Naming, tags, account, key and access-logs bucket of a system in one account and Region.

    Every construct of `lib` is created with a context. `tags` are the common tags, which the
    provider adds to every resource that it creates. `region_restriction` is attached to every role.
    `provider` is set in a stack with several providers. `extend` returns a context for a second
    construct of a kind in one stack.
    """

    naming: Naming
    tags: Mapping[str, str]
    account: Account
    encryption_key: Key | None = None
    region_restriction: RegionRestriction | None = None
    access_logs: SecureBucket | None = None
    log_retention: LogRetention = field(default_factory=LogRetention)
    provider: TerraformProvider | None = None

    @classmethod
    def create(
        cls,
        scope: Construct,
        *,
        suffix: str,
        region: str,
        system: str,
        prefix: str | None = None,
        tags: Mapping[str, str] | None = None,
        partition: str = "aws",
        encryption_key: Key | None = None,
        access_logs_encryption: Literal["kms", "s3"] = "kms",
        log_retention: LogRetention | None = None,
        provider: TerraformProvider | None = None,
    ) -> Context:
        """Create the account, key, Region restriction and access-logs bucket of a system.

        They are direct children of `scope`. Physical names start with `prefix` (`<system>-` unless
        given) and end with `suffix`.
        """
        from lib.security.key import EncryptionKey
        from lib.security.region_restriction import RegionRestriction
        from lib.storage.access_logs import AccessLogsBucket

        naming = Naming(
            suffix=suffix, system=system, prefix=f"{system}-" if prefix is None else prefix
        )
        record_naming(TerraformStack.of(scope), naming)
        account = Account(scope, "Account", region=region, partition=partition)
        context = cls(
            naming=naming,
            tags=tags or {},
            account=account,
            encryption_key=encryption_key
            or EncryptionKey(scope, "Key", naming=naming, account=account),
            region_restriction=RegionRestriction(
                scope, "RegionRestriction", naming=naming, region=region
            ),
            log_retention=log_retention or LogRetention(),
            provider=provider,
        )
        access_logs = AccessLogsBucket(
            scope, "AccessLogs", context=context, encryption=access_logs_encryption
        )
        return replace(context, access_logs=access_logs)

    @property
    def key(self) -> Key:
        """The key that encrypts; raises `ValueError` if the context has none."""
        if self.encryption_key is None:
            raise ValueError(
                "encryption_key: received a context without a key; accepted: an EncryptionKey or an"
                " ExistingKey. Create the context with Context.create(), or pass encryption_key."
            )
        return self.encryption_key

    @property
    def region(self) -> str:
        """The Region of the account that the constructs are created in."""
        return self.account.region

    def name(self, resource_type: str) -> str:
        """The physical name `{prefix}{resource-type}-{suffix}`."""
        return self.naming.name(resource_type)

    def name_tag(self, resource_type: str) -> dict[str, str]:
        """The Name tag of a resource."""
        return self.naming.name_tag(resource_type)

    def extend(self, word: str) -> Context:
        """The same context with `word` in every physical name: `reporting-aurora-cluster-dev`."""
        return replace(self, naming=self.naming.extend(word))

    def assign_provider(self, scope: Construct) -> None:
        """Set `provider` on every resource and data source under `scope`.

        A stack with several providers calls it last. Blocks that are added by overrides are not
        reached. Without `provider` the call has no effect.
        """
        if self.provider is None:
            return
        for node in scope.node.find_all():
            if isinstance(node, (TerraformResource, TerraformDataSource)):
                node.provider = self.provider


def record_naming(stack: TerraformStack, naming: Naming) -> None:
    """Record prefix and suffix in the metadata of the stack, from which the rules read them.

    Terraform ignores the key `//`.
    """
    stack.add_override("//.naming", {"prefix": naming.prefix, "suffix": naming.suffix})
