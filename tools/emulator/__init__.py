"""An AWS account on this machine for Terraform, boto3 and the AWS CLI, based on moto's server.

Interface::

    with Emulator(region="us-east-1", log_path=Path("emulator.log")) as emulator:
        subprocess.run(["terraform", "apply"], env=os.environ | emulator.environment())
        emulator.client("s3").list_buckets()
        emulator.client("s3", role_arn=arn)  # with the permissions of a role
        assert inventory(emulator.endpoint) == []  # after terraform destroy

- ``Emulator`` starts the server in a process of its own on 127.0.0.1, and stops it. Each instance
  is an empty AWS account, the id of which is ``ACCOUNT_ID``. ``EmulatorError`` reports that it
  cannot start.
- ``Emulator.endpoint`` is the address of every service.
- ``Emulator.environment()`` returns the variables that configure AWS clients for the emulator.
- ``Emulator.client()`` returns a boto3 client, optionally with the credentials of a role or with
  other condition keys.
- ``Emulator.role_keys()`` returns temporary credentials of a role. Requests with such credentials
  are authorized by the role's policies (see ``authorization``); all other requests are allowed.
- ``inventory()`` lists the resources that exist.

Further modules: ``moto_patches`` corrects moto where it differs from AWS, ``validation`` rejects
requests that AWS rejects, ``middleware`` answers unimplemented operations with status 501,
``authorization`` evaluates policies for requests, ``event_notifications`` those of queues for S3,
and ``server`` is the entry point of the process. docs/emulator.md lists the limits of the emulator.
"""

from tools.emulator.inventory import inventory
from tools.emulator.process import ACCOUNT_ID, Emulator, EmulatorError

__all__ = ["ACCOUNT_ID", "Emulator", "EmulatorError", "inventory"]
