"""The Spark of this machine at work: it asks the load's state machine for jobs, one after another, and does them.

python -m local.spark.worker --endpoint URL --activity ARN --folder FOLDER

Its tables are in FOLDER/warehouse. It ends when it is told to (SIGTERM), with the job under way, which Step Functions
then gives out again.
"""

import argparse
import json
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.deployment.access_key import AccessKey
from local.deployment.aws import REGION, client_config
from local.errors import LocalError
from local.spark.jobs import do_stored_job
from local.spark.spark import Spark

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

HEARTBEAT_SECONDS = 20
_PAUSE_SECONDS = 2
_CAUSE_CHARACTERS = 2_000  # of 32,768 that Step Functions takes


def say(line: str) -> None:
    """Write a line to the log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Worker:
    """Takes jobs from one activity."""

    def __init__(self, states: "SFNClient", s3: "S3Client", activity: str, folder: Path) -> None:
        self._states = states
        self._s3 = s3
        self._activity = activity
        self._jobs = folder / "jobs"
        self._spark = Spark(folder / "warehouse", folder / "spark.log")

    def work(self) -> bool:
        """Wait for a job, a minute at most, and do it; whether there was one."""
        task = self._states.get_activity_task(activityArn=self._activity, workerName="spark")
        token = task.get("taskToken")
        if not token:
            return False
        asked = json.loads(task["input"])
        say(f"{asked['run_id']}: {asked['job']}")
        with self._beating(token):
            try:
                do_stored_job(self._s3, asked["job"], self._jobs / asked["run_id"], self._spark.run_folder)
            except (LocalError, OSError, BotoCoreError, ClientError) as error:
                say(f"{asked['run_id']}: {error}")
                cause = f"{error}\n{getattr(error, 'detail', '')}"[:_CAUSE_CHARACTERS]
                self._states.send_task_failure(taskToken=token, error="SparkFailed", cause=cause)
                return True
        self._states.send_task_success(taskToken=token, output="{}")
        return True

    @contextmanager
    def _beating(self, token: str) -> Iterator[None]:
        """Say that the job is under way, as long as it is."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                try:
                    self._states.send_task_heartbeat(taskToken=token)
                except (BotoCoreError, ClientError) as error:  # the job was given up: what it does then is done in vain
                    say(f"no heartbeat: {error}")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until somebody ends the process."""
    parser = argparse.ArgumentParser(prog="python -m local.spark.worker")
    for name in ("endpoint", "activity", "folder"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args(arguments)
    key = AccessKey.from_environment()
    aws = boto3.Session(aws_access_key_id=key.id, aws_secret_access_key=key.secret, region_name=REGION)
    # Step Functions holds a question for a minute; asked twice at once, it would give one job to nobody
    config = client_config().merge(Config(read_timeout=90, retries={"total_max_attempts": 1}))
    states = aws.client("stepfunctions", endpoint_url=options.endpoint, config=config)
    s3 = aws.client("s3", endpoint_url=options.endpoint, config=client_config())
    folder = Path(options.folder)
    shutil.rmtree(folder / "jobs", ignore_errors=True)
    worker = Worker(states, s3, options.activity, folder)
    say("ready")
    pause = threading.Event()
    while True:
        try:
            worker.work()
        except (BotoCoreError, ClientError) as error:  # LocalStack ends, or starts again
            say(f"LocalStack: {error}")
            pause.wait(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
