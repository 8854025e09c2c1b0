"""What the tests of the running platform talk to, and the answers they expect, computed from the CSVs alone."""

import csv
import json
import os
import random
import subprocess
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from localstack_client.session import Session

from infra.outputs import Outputs
from local import processes
from local.paths import REPOSITORY, Paths
from local.stack import EmbeddedStack, StackOptions

_C360 = REPOSITORY / ".venv" / "bin" / "c360"


@dataclass(frozen=True)
class Platform:
    """The running stack, and the `c360` command aimed at it."""

    stack: EmbeddedStack
    outputs: Outputs
    c360: Callable[..., subprocess.CompletedProcess[str]]

    def client(self, service: str) -> Any:
        """A client of the platform's LocalStack, as a user's script has it."""
        endpoint = (self.outputs.aws_endpoint_url or "").removeprefix("http://")
        return Session("test", "test", region_name=self.outputs.region, localstack_host=endpoint).client(service)

    def json(self, *arguments: str) -> dict[str, Any]:
        """The JSON object that a successful c360 command prints."""
        done = self.c360(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The administrator's answer to a query."""
        with psycopg.connect(self.outputs.database_url or "") as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """Run a statement as the administrator."""
        with psycopg.connect(self.outputs.database_url or "", autocommit=True) as connection:
            connection.execute(statement.encode())

    def get(self, base: str | None, path: str) -> Any:
        """GET a path of an API as JSON; numbers with a point are Decimals."""
        with urllib.request.urlopen(f"{base}{path}", timeout=30) as answer:
            return json.load(answer, parse_float=Decimal)

    def start_run(self) -> str:
        """Start the nightly load and return its execution ARN."""
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs.state_machine_arn, input="{}"
        )
        return str(started["executionArn"])

    def wait_for_end(self, execution_arn: str, seconds: float = 120) -> str:
        """The status that an execution ends with."""
        states = self.client("stepfunctions")
        return eventually(
            lambda: (
                (status := str(states.describe_execution(executionArn=execution_arn)["status"])) != "RUNNING" and status
            ),
            seconds,
        )

    def failures_of(self, execution_arn: str) -> list[str]:
        """Error names of all failed attempts of the execution's tasks, those that a retry cured too."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [
            details["error"]
            for page in pages.paginate(executionArn=execution_arn)
            for event in page["events"]
            for key, details in event.items()
            if key in {"taskFailedEventDetails", "lambdaFunctionFailedEventDetails"}
        ]

    def warehouse_content(self) -> list[tuple[Any, ...]]:
        """All that the vault and the marts hold, as one digest a table; not what record tracking remembers."""
        tables = self.rows(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('raw_vault', 'business_vault') and tablename not like 'record_tracking_%' order by 1"
        )
        return [
            (table, *self.rows(f"select count(*), md5(string_agg(t::text, '' order by t::text)) from {table} as t")[0])
            for (table,) in tables
        ]


@contextmanager
def running_platform(folder: Path) -> Iterator[Platform]:
    """A platform as `c360 up` starts it, in a folder and on ports of its own, without the nightly rule."""
    paths = Paths(folder)
    # another run of the tests may be choosing its own at this moment
    ports = [processes.free_port(random.randrange(first, first + 1_500, 10)) for first in (21000, 23000, 25000, 27000)]
    options = StackOptions(
        localstack_port=ports[0],
        postgres_port=ports[1],
        api_port=ports[2],
        kafka_port=ports[3],
        schedule_enabled=False,
        database_url=None,
    )
    stack = EmbeddedStack(paths, options)
    try:
        outputs = stack.up(print)
        environment = {**os.environ, "C360_STATE_DIR": str(paths.state), "C360_TARGET": "embedded", "NO_COLOR": "1"}
        yield Platform(stack, outputs, lambda *arguments: _c360(environment, *arguments))
    finally:
        stack.down(print)


def _c360(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_C360, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def eventually[T](probe: Callable[[], T | bool | None], seconds: float = 30) -> T:
    """The first true answer of `probe`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer  # type: ignore[return-value]
        time.sleep(0.05)
    raise AssertionError(f"nothing happened within {seconds} s")


@dataclass(frozen=True)
class SampleFiles:
    """CSV files, and figures computed from them without the product's code."""

    folder: Path

    @property
    def paths(self) -> list[str]:
        """The three files."""
        return [str(self.folder / f"{name}.csv") for name in ("customers", "products", "transactions")]

    def read(self, name: str) -> list[dict[str, str]]:
        """The rows of one file."""
        with (self.folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @cached_property
    def lines(self) -> list[dict[str, str]]:
        """The rows of transactions.csv."""
        return self.read("transactions")

    @cached_property
    def revenue(self) -> Decimal:
        """The sum of all order lines."""
        return sum((Decimal(line["total_amount"]) for line in self.lines), Decimal(0))

    @cached_property
    def value_of_customers(self) -> dict[str, tuple[int, Decimal]]:
        """Orders and lifetime value of each customer who has ordered."""
        orders: dict[str, set[str]] = defaultdict(set)
        value: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            orders[line["customer_id"]].add(line["transaction_id"])
            value[line["customer_id"]] += Decimal(line["total_amount"])
        return {customer: (len(orders[customer]), value[customer]) for customer in value}
