"""Tags of single resources, in place of the tags that all resources of a stack share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdktf import TerraformResource, TerraformStack
from constructs import IConstruct

from lib.naming import Naming


def tag_by_construct(
    stack: TerraformStack, *, naming: Naming, components: Mapping[str, str]
) -> None:
    """Set the tags Component and Purpose of every resource that has a Name tag.

    `components` are the values of Component by the ids of the stack's own constructs; Purpose is
    the resource type in the physical name. A stack calls it last. Raises `ValueError` for a
    construct without a row. The volumes of instances keep the tags of the stack.
    """
    for construct in stack.node.children:
        for node in construct.node.find_all():
            name = _tags(node).get("Name")
            if not isinstance(node, TerraformResource) or name is None:
                continue
            if construct.node.id not in components:
                raise ValueError(
                    f"components: received no value for {construct.node.id!r}; accepted: a row for"
                    " every construct of the stack. Add a row."
                )
            kind = name.removeprefix(naming.prefix).removesuffix(f"-{naming.suffix}")
            node.tags = {  # type: ignore[attr-defined]
                **_tags(node),
                "Component": components[construct.node.id],
                "Purpose": kind.replace("-", " ").capitalize(),
            }


def _tags(node: IConstruct) -> Mapping[str, Any]:
    return getattr(node, "tags_input", None) or {}
