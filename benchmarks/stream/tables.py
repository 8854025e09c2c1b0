"""What the clickstream is measured on: latency through a whole platform, the handler's speed, and three kills.

python -m benchmarks stream [--only latency|handler|growth|kills]
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.running_platform import running_stack
from benchmarks.stream import handler, kills, latency
from infra.outputs import Outputs
from local.stack import EmbeddedStack

MILLIONS = (0, 1_000_000, 10_000_000)

type Measurement = Callable[[EmbeddedStack, Outputs, Path], str]

MEASUREMENTS: dict[str, Measurement] = {
    "latency": lambda _stack, outputs, _folder: latency.latency_table(latency.measure_latency(outputs)),
    "handler": lambda _stack, _outputs, folder: handler.rates_table(handler.measure_handler(folder)),
    "growth": lambda _stack, _outputs, folder: handler.rates_table(handler.measure_growth(folder, MILLIONS)),
    "kills": lambda stack, outputs, _folder: kills.table(kills.survive(stack, outputs, kills.KILL_EVENTS, print)),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a platform, measure, and print each table when it is there; all take a quarter of an hour."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stream", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", choices=MEASUREMENTS, help="one table only")
    only = parser.parse_args(arguments).only
    with running_stack() as (stack, outputs, folder):
        for name, measure in MEASUREMENTS.items():
            if only in (None, name):
                print(f"\n{measure(stack, outputs, folder)}", flush=True)
