"""`make bench`: every figure that the documents quote, measured in one run on a platform of its own."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import api_latency, nightly_load
from benchmarks.platform import empty_function_url, running_platform
from local.stack import Outputs

REQUESTS = 300


def _load(outputs: Outputs, folder: Path) -> str:
    return nightly_load.table(nightly_load.measure(outputs, folder))


def _api(outputs: Outputs, _folder: Path) -> str:
    targets = api_latency.customer_targets(
        {"API Gateway": outputs.api_url or "", "local server": outputs.local_api_url or ""}
    )
    targets.append(api_latency.Target("an empty function", (empty_function_url(outputs),)))
    return api_latency.table(api_latency.measure(targets, REQUESTS))


# the API is asked about what the load has loaded
_MEASUREMENTS: dict[str, Callable[[Outputs, Path], str]] = {"load": _load, "api": _api}


def main() -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.parse_args()
    with running_platform() as (outputs, folder):
        tables = [measure(outputs, folder) for measure in _MEASUREMENTS.values()]
    for text in tables:
        print(f"\n{text}")


if __name__ == "__main__":
    main()
