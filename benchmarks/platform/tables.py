"""What a whole platform of its own is measured on: the nightly load through LocalStack, then the API over its rows."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.platform import api_latency, nightly_load
from benchmarks.running_platform import empty_function_url, running_platform
from infra.outputs import Outputs

REQUESTS = 300


def _nightly(outputs: Outputs, folder: Path) -> str:
    return nightly_load.table(nightly_load.measure(outputs, folder))


def _api(outputs: Outputs, _folder: Path) -> str:
    targets = api_latency.customer_targets(
        {"API Gateway": outputs.api_url or "", "local server": outputs.local_api_url or ""}
    )
    targets.append(api_latency.Target("an empty function", (empty_function_url(outputs),)))
    return api_latency.table(api_latency.measure(targets, REQUESTS))


# the API is asked about what the load has loaded
_MEASUREMENTS: dict[str, Callable[[Outputs, Path], str]] = {"nightly": _nightly, "api": _api}


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a platform, measure, and print the tables."""
    argparse.ArgumentParser(prog="python -m benchmarks platform", description=__doc__).parse_args(arguments)
    with running_platform() as (outputs, folder):
        tables = [measure(outputs, folder) for measure in _MEASUREMENTS.values()]
    for text in tables:
        print(f"\n{text}")
