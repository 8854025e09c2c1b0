"""Latency of one customer's profile, warm, one request after another, beside a URL that does nothing.

python -m benchmarks.platform.api_latency gateway=$API_URL uvicorn=http://127.0.0.1:8000 --baseline empty=$EMPTY_URL

The URLs take turns, so that whatever else the machine does slows all of them alike.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import quote

import httpx

WARM_UP_REQUESTS = 20


@dataclass(frozen=True)
class Target:
    """A column of the comparison: full URLs that are asked in turn."""

    label: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Latency:
    """Milliseconds of `requests` requests to one target."""

    label: str
    requests: int
    p50: float
    p95: float
    p99: float


def _labelled(argument: str) -> tuple[str, str]:
    label, separator, url = argument.partition("=")
    if separator and "/" not in label:
        return label, url.rstrip("/")
    return argument, argument.rstrip("/")


def _customer_ids(client: httpx.Client, base_url: str) -> list[str]:
    answer = client.get(f"{base_url}/customers", params={"limit": 100})
    answer.raise_for_status()
    ids = [item["customer_id"] for item in answer.json()["items"]]
    if not ids:
        raise SystemExit(f"{base_url} has no customers: load some first (c360 generate, drop, run)")
    return ids


def customer_targets(base_urls: dict[str, str], customer: str | None = None) -> list[Target]:
    """For each label and base URL the profiles of `customer`, or of the first hundred customers."""
    targets = []
    with httpx.Client(timeout=30, trust_env=False) as client:
        for label, base_url in base_urls.items():
            ids = [customer] if customer else _customer_ids(client, base_url)
            targets.append(Target(label, tuple(f"{base_url}/customers/{quote(each, safe='')}" for each in ids)))
    return targets


def _milliseconds(client: httpx.Client, url: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)
    elapsed = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return elapsed


def _summary(label: str, milliseconds: list[float]) -> Latency:
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return Latency(label, len(milliseconds), *(round(cuts[percent - 1], 1) for percent in (50, 95, 99)))


def measure(targets: list[Target], requests: int) -> list[Latency]:
    """Ask every target `requests` times, in turns, after a warm-up. Raises httpx.HTTPError when one fails."""
    taken: dict[str, list[float]] = {target.label: [] for target in targets}
    with httpx.Client(timeout=30, trust_env=False) as client:
        for turn in range(-WARM_UP_REQUESTS, requests):
            for target in targets:
                elapsed = _milliseconds(client, target.urls[turn % len(target.urls)])
                if turn >= 0:
                    taken[target.label].append(elapsed)
    return [_summary(label, milliseconds) for label, milliseconds in taken.items()]


def table(latencies: list[Latency]) -> str:
    """The figures as text; the last column is each p50 beside the last target's, the baseline."""
    width = max(len(latency.label) for latency in latencies)
    lines = [f"{'':{width}}  requests  p50 ms  p95 ms  p99 ms  p50 over {latencies[-1].label}"]
    for latency in latencies:
        lines.append(  # noqa: PERF401 - a comprehension of this line would not be read
            f"{latency.label:{width}}  {latency.requests:8}  {latency.p50:6.1f}  {latency.p95:6.1f}"
            f"  {latency.p99:6.1f}  {latency.p50 - latencies[-1].p50:+.1f}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; exit status 1 when a target cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.platform.api_latency", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("base_urls", nargs="+", metavar="[LABEL=]URL", help="base URL of the API")
    parser.add_argument("--baseline", metavar="[LABEL=]URL", help="full URL that does nothing")
    parser.add_argument("--requests", "-n", type=int, default=500, help="requests to each URL (500)")
    parser.add_argument("--customer", help="id of the one customer to ask for (the first hundred, in turn)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        targets = customer_targets(dict(map(_labelled, options.base_urls)), options.customer)
        if options.baseline:
            label, url = _labelled(options.baseline)
            targets.append(Target(label, (url,)))
        latencies = measure(targets, max(options.requests, 2))
    except httpx.HTTPError as error:
        sys.exit(f"cannot measure: {error}")
    print(json.dumps([asdict(latency) for latency in latencies]) if options.json else table(latencies))


if __name__ == "__main__":
    main()
