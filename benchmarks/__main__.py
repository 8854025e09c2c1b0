"""`make bench`: every figure that the documents quote, measured in one run on a platform of its own."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import api_latency, api_throughput, nightly_load
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


_MEASUREMENTS: dict[str, Callable[[Outputs, Path], str]] = {"load": _load, "api": _api}


def main() -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(_MEASUREMENTS)}; all by default")
    names = parser.parse_args().names or list(_MEASUREMENTS)
    if unknown := set(names) - _MEASUREMENTS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    with running_platform() as (outputs, folder):
        # the API is asked about what the load has loaded
        tables = {name: measure(outputs, folder) for name, measure in _MEASUREMENTS.items()}
    if "api" in names:
        tables["api"] += "\n\n" + api_throughput.measure()  # alone on the machine
    for name in names:
        print(f"\n{tables[name]}")


if __name__ == "__main__":
    main()
