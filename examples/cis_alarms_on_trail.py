"""The CIS alarms on the log group of a trail that exists already."""

import os

from lib.bindings import enable_fast_bindings

enable_fast_bindings()

from cdktf import App, TerraformOutput, TerraformStack  # noqa: E402

from lib.context import Context  # noqa: E402
from lib.monitoring.cis import CisAlarms  # noqa: E402
from lib.monitoring.notifications import AlarmTopic  # noqa: E402
from lib.terraform import configure_aws  # noqa: E402

app = App()
stack = TerraformStack(app, "cis-alarms-on-trail")
configure_aws(stack, region="us-east-1", tags={"Environment": "demo"})
context = Context.create(stack, suffix="demo", region="us-east-1", system="audit")
topic = AlarmTopic(stack, "Topic", context=context, email="security@example.com")
alarms = CisAlarms(
    stack,
    "Cis",
    context=context,
    log_group_name=os.environ.get("TRAIL_LOG_GROUP", "/aws/cloudtrail/management-events"),
    topic=topic,
    exclude=(15,),  # The account is not the management account of an organization.
)
TerraformOutput(stack, "alarm_topic_arn", value=topic.arn)
app.synth()
