"""An encrypted bucket that notifies a queue of every new object."""

from lib.bindings import enable_fast_bindings

enable_fast_bindings()

from cdktf import App, TerraformOutput, TerraformStack  # noqa: E402

from lib.context import Context  # noqa: E402
from lib.messaging.queue import Queue  # noqa: E402
from lib.storage.bucket import EventNotification, SecureBucket  # noqa: E402
from lib.terraform import configure_aws  # noqa: E402

app = App()
stack = TerraformStack(app, "bucket-with-queue")
configure_aws(stack, region="us-east-1", tags={"Environment": "demo"})
context = Context.create(stack, suffix="demo", region="us-east-1", system="inbox")
queue = Queue(stack, "Queue", context=context, kind="objects", visibility_timeout_seconds=60)
bucket = SecureBucket(
    stack,
    "Bucket",
    context=context,
    kind="objects",
    notification=EventNotification(queue=queue, prefix="incoming/"),
)
TerraformOutput(stack, "bucket_name", value=bucket.name)
TerraformOutput(stack, "queue_url", value=queue.url)
app.synth()
