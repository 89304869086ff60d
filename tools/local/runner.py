"""The program of a handler's process; `function.py` starts it without this project's packages.

Arguments: folder of the code, folder of the runtime's packages, handler, the function's ARN, and
the file descriptor for results. Each line of standard input is one event as JSON; end of file ends
the process.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback


class Context:
    """The context object of an invocation."""

    def __init__(self, arn: str, request_id: str, timeout_seconds: float) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = arn
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = "local"
        self._until = time.monotonic() + timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout of the invocation."""
        return max(0, int((self._until - time.monotonic()) * 1000))


def peak_memory_mib() -> float:
    """The peak resident memory of this process so far."""
    if sys.platform != "darwin":
        # getrusage would include the memory of the parent process before exec.
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(code: str, runtime: str, handler_name: str, arn: str, descriptor: str) -> None:
    """Write a result for each event until end of file."""
    sys.path[:0] = [code]
    sys.path.append(runtime)
    module, _, name = handler_name.rpartition(".")
    handler = None
    with open(int(descriptor), "w", encoding="utf-8") as answers:  # noqa: PTH123
        for line in sys.stdin:
            request = json.loads(line)
            context = Context(arn, request["request_id"], request["timeout_seconds"])
            try:
                if handler is None:
                    handler = getattr(importlib.import_module(module), name)
                answer = {"result": handler(request["event"], context)}
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.flush()
            answer["peak_memory_mib"] = peak_memory_mib()
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
