"""A Lambda function that processes the messages of a queue in batches."""

from pathlib import Path

from lib.bindings import enable_fast_bindings

enable_fast_bindings()

from cdktf import App, TerraformOutput, TerraformStack  # noqa: E402

from lib.compute.function import Function  # noqa: E402
from lib.context import Context  # noqa: E402
from lib.messaging.queue import Queue, visibility_timeout  # noqa: E402
from lib.terraform import configure_aws  # noqa: E402

app = App()
stack = TerraformStack(app, "function-behind-queue")
configure_aws(stack, region="us-east-1", tags={"Environment": "demo"})
context = Context.create(stack, suffix="demo", region="us-east-1", system="jobs")
queue = Queue(
    stack,
    "Queue",
    context=context,
    kind="queue",
    visibility_timeout_seconds=visibility_timeout(30, 0),
)
function = Function(
    stack,
    "Function",
    context=context,
    kind="processor",
    source=Path(__file__).with_name("function"),
    handler="handler.handle",
    description="Processes jobs",
    timeout_seconds=30,
)
function.consume(queue, batch_size=10, maximum_concurrency=2)
TerraformOutput(stack, "queue_url", value=queue.url)
app.synth()
