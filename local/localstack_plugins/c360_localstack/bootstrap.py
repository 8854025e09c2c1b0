"""First code of a function's process: ends with LocalStack, then becomes AWS's Python runtime.

Arguments: the number of a pipe's read end that LocalStack holds the other end of, and the handler. When LocalStack
ends in whatever way, the pipe closes, and this process kills its whole group, whatever the handler is doing.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_localstack(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=_end_with_localstack, args=(int(sys.argv.pop(1)),), daemon=True).start()
sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # the function's code, not the folder of this file
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
