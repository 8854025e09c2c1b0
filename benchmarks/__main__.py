"""`make bench`: every figure that the documents quote, measured in one run on a platform of its own."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import api_latency, nightly_load, stream, stream_kills
from benchmarks.platform import empty_function_url, running_stack
from local.stack import EmbeddedStack, Outputs

REQUESTS = 300


def _load(_stack: EmbeddedStack, outputs: Outputs, folder: Path) -> str:
    return nightly_load.table(nightly_load.measure(outputs, folder))


def _api(_stack: EmbeddedStack, outputs: Outputs, _folder: Path) -> str:
    targets = api_latency.customer_targets(
        {"API Gateway": outputs.api_url or "", "local server": outputs.local_api_url or ""}
    )
    targets.append(api_latency.Target("an empty function", (empty_function_url(outputs),)))
    return api_latency.table(api_latency.measure(targets, REQUESTS))


def _stream(stack: EmbeddedStack, outputs: Outputs, folder: Path) -> str:
    return "\n\n".join(
        (
            stream.latency_table(stream.measure_latency(outputs)),
            stream.rates_table(stream.measure_handler(folder)),
            stream_kills.table(stream_kills.survive(stack, outputs, stream_kills.KILL_EVENTS, print)),
        )
    )


# the API is asked about what the load has loaded
_MEASUREMENTS: dict[str, Callable[[EmbeddedStack, Outputs, Path], str]] = {
    "load": _load,
    "api": _api,
    "stream": _stream,
}


def main() -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="|".join(_MEASUREMENTS), help="only these (default: all)")
    chosen = parser.parse_args().which or [*_MEASUREMENTS]
    if unknown := set(chosen) - set(_MEASUREMENTS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: use {' or '.join(_MEASUREMENTS)}")
    with running_stack() as (stack, outputs, folder):
        tables = [measure(stack, outputs, folder) for name, measure in _MEASUREMENTS.items() if name in chosen]
    for text in tables:
        print(f"\n{text}")


if __name__ == "__main__":
    main()
