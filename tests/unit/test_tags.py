"""Tags of single resources."""

from __future__ import annotations

import pytest
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

from lib.tags import tag_by_construct
from tests.unit.conftest import UnitStack


def test_construct_without_a_component_is_rejected(stack: UnitStack) -> None:
    context = stack.context
    SqsQueue(stack, "Jobs", name=context.name("jobs"), tags=context.name_tag("jobs"))
    SqsQueue(stack, "Untagged", name=context.name("untagged"))
    known = dict.fromkeys(("Key", "RegionRestriction", "AccessLogs"), "Security")
    with pytest.raises(ValueError, match="components: received no value for 'Jobs'"):
        tag_by_construct(stack, naming=context.naming, components=known)
    tag_by_construct(stack, naming=context.naming, components={**known, "Jobs": "Messaging"})
    queue = stack.template().get("aws_sqs_queue", "Jobs")
    assert queue["tags"] == {
        "Name": "jobs-unit",
        "Component": "Messaging",
        "Purpose": "Jobs",
    }
