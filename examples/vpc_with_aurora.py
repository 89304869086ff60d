"""A VPC without internet access, and an Aurora PostgreSQL cluster in its private subnets."""

from lib.bindings import enable_fast_bindings

enable_fast_bindings()

from cdktf import App, TerraformOutput, TerraformStack  # noqa: E402

from lib.context import Context  # noqa: E402
from lib.database import AuroraCluster, AuroraConfig, DatabaseSecret  # noqa: E402
from lib.networking.network import Network, NetworkConfig  # noqa: E402
from lib.terraform import configure_aws  # noqa: E402

app = App()
stack = TerraformStack(app, "vpc-with-aurora")
configure_aws(stack, region="us-east-1", tags={"Environment": "demo"})
context = Context.create(stack, suffix="demo", region="us-east-1", system="orders")
addresses = NetworkConfig(
    cidr="10.20.0.0/16",
    availability_zones=("us-east-1a", "us-east-1b"),
    private_subnets=("10.20.0.0/24", "10.20.1.0/24"),
)
network = Network(stack, "Network", context=context, config=addresses)
config = AuroraConfig(name="orders", username="orders_master", reader_count=0)
secret = DatabaseSecret(stack, "DatabaseSecret", context=context, config=config)
database = AuroraCluster(
    stack, "Database", context=context, network=network, secret=secret, config=config
)
TerraformOutput(stack, "endpoint", value=database.cluster.endpoint)
TerraformOutput(stack, "secret_arn", value=secret.arn)
app.synth()
