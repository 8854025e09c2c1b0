"""Load on an HTTP server on loopback: wrk where it is installed (apt-get install wrk), else this module by itself.

python -m benchmarks.api.load_generator HOST PORT CONNECTIONS SECONDS PATHS_FILE
"""

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_LUA = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local n = 0
function request()
  n = n %% #paths + 1
  return wrk.format("GET", paths[n])
end
"""


@dataclass(frozen=True)
class Load:
    """What a server bore; latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    failed: int


def generator() -> str:
    """What makes the load."""
    return "wrk" if shutil.which("wrk") else "Python"


def load(port: int, paths: list[str], *, connections: int = 16, seconds: int = 5, header: str | None = None) -> Load:
    """Ask for the paths in turn, over and over, on so many connections."""
    with tempfile.TemporaryDirectory(prefix="c360-load-") as folder:
        listed = Path(folder) / "paths"
        listed.write_text("\n".join(paths) + "\n")
        if generator() == "wrk":
            script = Path(folder) / "paths.lua"
            script.write_text(_LUA % listed)
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
            command += ["-H", header] if header else []
            return _read_wrk(_output([*command, f"http://127.0.0.1:{port}"]))
        arguments = ["127.0.0.1", str(port), str(connections), str(seconds), str(listed), header or ""]
        return Load(**json.loads(_output([sys.executable, "-m", "benchmarks.api.load_generator", *arguments])))


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _read_wrk(output: str) -> Load:
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    percentiles = {
        percent: float(value) * units[unit]
        for percent, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", output, re.MULTILINE)
    }
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", output)))
    failed += sum(
        int(count) for counts in re.findall(r"Socket errors: (.*)", output) for count in re.findall(r"\d+", counts)
    )
    return Load(float(rate[1]) if rate else 0.0, percentiles["50"], percentiles["99"], failed)


async def _connection(host: str, port: int, requests: list[bytes], until: float, taken: list[float]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    failed = 0
    while time.monotonic() < until:
        request = requests[len(taken) % len(requests)]
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length:
            await reader.readexactly(int(length[1]))
        taken.append((time.perf_counter() - began) * 1000)
        failed += head[9:10] not in b"23"
    writer.close()
    return failed


async def _load(host: str, port: int, connections: int, seconds: int, paths: list[str], header: str) -> Load:
    extra = f"{header}\r\n" if header else ""
    requests = [f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{extra}\r\n".encode() for path in paths]
    taken: list[float] = []
    began = time.monotonic()
    failed = await asyncio.gather(
        *(_connection(host, port, requests, began + seconds, taken) for _ in range(connections))
    )
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return Load(len(taken) / (time.monotonic() - began), cuts[49], cuts[98], sum(failed))


if __name__ == "__main__":
    host, port, connections, seconds, listed, header = sys.argv[1:]
    lines = Path(listed).read_text().splitlines()
    print(json.dumps(asdict(asyncio.run(_load(host, int(port), int(connections), int(seconds), lines, header)))))
