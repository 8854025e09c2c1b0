"""What the clickstream is measured on: latency through a whole platform, the handler's speed, and three kills.

python -m benchmarks stream [--only latency|handler|growth|kills]
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import stream, stream_handler, stream_kills
from benchmarks.platform import running_stack
from infra.outputs import Outputs
from local.stack import EmbeddedStack

MILLIONS = (0, 1_000_000, 10_000_000)

type Measurement = Callable[[EmbeddedStack, Outputs, Path], str]

MEASUREMENTS: dict[str, Measurement] = {
    "latency": lambda _stack, outputs, _folder: stream.latency_table(stream.measure_latency(outputs)),
    "handler": lambda _stack, _outputs, folder: stream_handler.rates_table(stream_handler.measure_handler(folder)),
    "growth": lambda _stack, _outputs, folder: stream_handler.rates_table(
        stream_handler.measure_growth(folder, MILLIONS)
    ),
    "kills": lambda stack, outputs, _folder: stream_kills.table(
        stream_kills.survive(stack, outputs, stream_kills.KILL_EVENTS, print)
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a platform, measure, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stream", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", choices=MEASUREMENTS, help="one table only")
    only = parser.parse_args(arguments).only
    with running_stack() as (stack, outputs, folder):
        tables = [measure(stack, outputs, folder) for name, measure in MEASUREMENTS.items() if only in (None, name)]
    for text in tables:
        print(f"\n{text}")
