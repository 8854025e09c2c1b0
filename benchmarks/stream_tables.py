"""What the clickstream is measured on: latency through a whole platform, the handler's speed, and three kills."""

import argparse
from collections.abc import Sequence

from benchmarks import stream, stream_kills
from benchmarks.platform import running_stack


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a platform, measure, and print the tables."""
    argparse.ArgumentParser(prog="python -m benchmarks stream", description=__doc__).parse_args(arguments)
    with running_stack() as (stack, outputs, folder):
        tables = (
            stream.latency_table(stream.measure_latency(outputs)),
            stream.rates_table(stream.measure_handler(folder)),
            stream_kills.table(stream_kills.survive(stack, outputs, stream_kills.KILL_EVENTS, print)),
        )
    for text in tables:
        print(f"\n{text}")
