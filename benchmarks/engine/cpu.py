"""Processor seconds of a part of a load, which say the same on a busy machine as on an idle one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.load.result import Clock
from local.servers.postgres import PostgresServer

CPU = "CPU"


@contextmanager
def cpu_counted(server: PostgresServer, clock: Clock) -> Iterator[None]:
    """Note in the clock what PostgreSQL, this process and those that it has started have used."""
    before = _used(server)
    yield
    clock.beside[CPU] = _used(server) - before


def _used(server: PostgresServer) -> float:
    main = server.process()
    assert main is not None
    server_process = psutil.Process(main.pid)
    # those of PostgreSQL's processes that have ended are counted by the main one
    processes = [server_process, *server_process.children()]
    times = [process.cpu_times() for process in processes]
    ours = psutil.Process().cpu_times()
    others = times[0].children_user + times[0].children_system + ours.children_user + ours.children_system
    return float(sum(each.user + each.system for each in [*times, ours]) + others)
