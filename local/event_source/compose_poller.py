"""The event source poller as a service of the compose file: it serves the mapping that the deployed stack declares.

    python -m local.event_source.compose_poller --endpoint URL --bootstrap-servers kafka:19092 --status FILE

It waits for the stack, and follows it when its mapping changes.
"""

import argparse
import json
import logging
import signal
import sys
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.outputs import STREAM, stack_name, stack_outputs
from local.deployment.aws import client_config, session
from local.errors import LocalError
from local.event_source.mapping import EventSourceMapping
from local.event_source.poller import EventSource
from local.servers.broker import create_topic

_LOOK_SECONDS = 3
_log = logging.getLogger("compose_poller")


class ComposePoller:
    """Follows a stack's output EventSourceMapping, whose function and topic it reaches by the names given here."""

    def __init__(self, endpoint: str, bootstrap_servers: str, status: Path, stack: str) -> None:
        self._endpoint = endpoint
        self._bootstrap_servers = bootstrap_servers
        self._status = status
        self._stack = stack
        self._stopping = threading.Event()
        self._cloudformation = session().client("cloudformation", endpoint_url=endpoint, config=client_config())

    def stop(self) -> None:
        """Have `run` end."""
        self._stopping.set()

    def run(self) -> None:
        """Serve the mapping of the moment until stopped; without one, say in the status that nothing is polled."""
        served: str | None = None
        source: EventSource | None = None
        thread: threading.Thread | None = None
        while not self._stopping.is_set():
            declared = self._declared()
            if declared is not None and (declared != served or thread is None or not thread.is_alive()):
                _end(source, thread)
                source, thread, served = self._start(declared), None, declared
                if source is not None:
                    thread = threading.Thread(target=source.run, name="event source")
                    thread.start()
            if thread is None:
                self._status.write_text(json.dumps({"at": time.time(), "partitions": 0, "lag": 0}))
            self._stopping.wait(_LOOK_SECONDS)
        _end(source, thread)

    def _declared(self) -> str | None:
        """The mapping; None: nothing is deployed, or LocalStack does not answer."""
        try:
            return stack_outputs(self._cloudformation, [self._stack]).get("EventSourceMapping")
        except (BotoCoreError, ClientError) as error:
            _log.info("no mapping yet: %s", error)
            return None

    def _start(self, declared: str) -> EventSource | None:
        parsed = EventSourceMapping.model_validate_json(declared)
        mapping = parsed.model_copy(update={"bootstrap_servers": self._bootstrap_servers})
        try:
            create_topic(mapping.bootstrap_servers, mapping.topic, mapping.partitions)
        except LocalError as error:
            _log.warning("%s", error)
            return None
        _log.info("serving %s for %s", mapping.topic, mapping.function_name)
        return EventSource(mapping, self._endpoint, self._status)


def _end(source: EventSource | None, thread: threading.Thread | None) -> None:
    if source is not None and thread is not None:
        source.stop()
        thread.join()


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.event_source.compose_poller", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="where LocalStack answers")
    parser.add_argument("--bootstrap-servers", required=True, help="where Kafka answers, whatever the mapping says")
    parser.add_argument("--status", required=True, type=Path, help="file to keep the state in")
    parser.add_argument("--stack", default=stack_name(STREAM), help="whose output the mapping is")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    poller = ComposePoller(options.endpoint, options.bootstrap_servers, options.status, options.stack)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: poller.stop())
    poller.run()


if __name__ == "__main__":
    main()
