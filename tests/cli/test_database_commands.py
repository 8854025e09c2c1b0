"""c360 sql and runs against a real PostgreSQL, and the demo's figures against sums made by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cli.commands.runs import SLA_SECONDS, merged
from cli.demo_figures import revenue_of_csv
from cli.deployment import Deployment
from tests.support.command_line import C360

type Deploy = Callable[..., Deployment]


def test_json_keeps_every_digit_and_every_column(c360: C360, deploy: Deploy, database_url: str) -> None:
    deploy(database_url=database_url)
    done = c360(
        "sql", "select 1 as a, 0.10::numeric as m, null as n, 'x' as a, '2026-01-02T00:00Z'::timestamptz as t", "--json"
    )
    assert done.json["columns"] == ["a", "m", "n", "a_2", "t"]
    assert done.json["rows"] == [{"a": 1, "m": "0.10", "n": None, "a_2": "x", "t": "2026-01-02T00:00:00Z"}]


def test_csv_prints_all_rows_and_nothing_else(c360: C360, deploy: Deploy, database_url: str) -> None:
    deploy(database_url=database_url)
    done = c360("sql", "select n, 'a,b' as s from generate_series(1, 300) as n", "--csv")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["n,s", '1,"a,b"']
    assert len(lines) == 301


def test_a_table_says_how_many_rows_it_leaves_out(c360: C360, deploy: Deploy, database_url: str) -> None:
    deploy(database_url=database_url)
    assert "(300 rows, the first 200 shown" in c360("sql", "select generate_series(1, 300)").stdout


def test_statements_of_a_file_are_committed_together_or_not_at_all(
    c360: C360, deploy: Deploy, database_url: str, tmp_path: Path
) -> None:
    deploy(database_url=database_url)
    (tmp_path / "ok.sql").write_text("create table kept (n int); insert into kept values (1);")
    (tmp_path / "bad.sql").write_text("insert into kept values (2); select no_such_column;")
    assert c360("sql", "--write", "-f", "ok.sql").status == 0
    failed = c360("sql", "--write", "-f", "bad.sql", "--json")
    assert failed.status == 1
    assert failed.json["error"]["code"] == "query"
    assert failed.json["error"]["sqlstate"] == "42703"
    assert c360("sql", "select n from kept", "--json").json["rows"] == [{"n": 1}]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from kept",
        "with gone as (delete from kept returning n) select * from gone",
        "commit; delete from kept",
        "set transaction read write",
        "do $$ begin set transaction read write; delete from kept; end $$",
        "do $$ begin commit; delete from kept; end $$",
        "create table more (n int)",
        "copy kept to program 'cat > {file}'",
        "copy kept to '{file}'",
        "select pg_read_file('/etc/hostname')",
    ],
)
def test_a_query_changes_nothing_and_starts_nothing_unless_told_to_write(
    c360: C360, deploy: Deploy, database_url: str, scratch: Path, statement: str
) -> None:
    deploy(database_url=database_url)
    assert c360("sql", "--write", "create table kept (n int); insert into kept values (1)").status == 0
    file = scratch / "server" / "written"
    file.parent.mkdir(exist_ok=True)
    file.parent.chmod(0o777)
    refused = c360("sql", statement.format(file=file), "--json")
    assert refused.json["error"]["code"] == "query"
    assert "--write" in refused.json["error"]["message"]
    assert c360("sql", "select n from kept", "--json").json["rows"] == [{"n": 1}]
    assert not file.exists()


def test_a_mistake_is_not_taken_for_a_refusal(c360: C360, deploy: Deploy, database_url: str) -> None:
    deploy(database_url=database_url)
    assert "--write" not in c360("sql", "selec 1").stderr


def test_psql_opens_for_reading_unless_told_to_write(
    c360: C360, deploy: Deploy, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(database_url=database_url)
    program = tmp_path / "psql"
    program.write_text('#!/bin/sh\necho "$PGOPTIONS" > said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for arguments, options in ((("sql",), "-c default_transaction_read_only=on"), (("sql", "--write"), "")):
        assert c360(*arguments).status == 0
        assert (tmp_path / "said").read_text().strip() == options


def test_a_percent_sign_is_only_a_percent_sign(c360: C360, deploy: Deploy, database_url: str) -> None:
    deploy(database_url=database_url)
    assert c360("sql", "select 'a' like '%s' as l", "--json").json["rows"] == [{"l": False}]


def test_a_database_that_is_away_is_one_clear_line(c360: C360, deploy: Deploy) -> None:
    deploy(database_url="postgresql://nobody@127.0.0.1:1/none")
    done = c360("sql", "select 1", "--json")
    assert done.status == 1
    assert done.json["error"]["code"] == "query"
    assert "c360 status" in done.json["error"]["message"]


def test_on_aws_sql_says_why_it_cannot(c360: C360, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(target="aws")
    monkeypatch.setenv("C360_TUNNEL_PORT", "9")
    assert "nothing on this machine leads to the database of an AWS deployment" in c360("sql", "select 1").stderr


@pytest.mark.parametrize(("seconds", "kept"), [(SLA_SECONDS, True), (SLA_SECONDS + 1, False)])
def test_the_sla_is_fifteen_minutes(seconds: int, kept: bool) -> None:
    started = datetime(2026, 11, 22, tzinfo=UTC)
    run = {"run_id": "a", "status": "SUCCEEDED", "started_at": started}
    assert SLA_SECONDS == 900
    assert merged([run | {"finished_at": started + timedelta(seconds=seconds)}], {})[0]["within_sla"] is kept


def test_runs_are_merged_with_what_only_the_database_remembers() -> None:
    started = datetime(2026, 11, 22, tzinfo=UTC)
    figures = {"files": 3, "rows_read": 10, "loaded": 9, "error": None}
    known = {
        name: {"run_id": name, "status": "SUCCEEDED", "started_at": at, "finished_at": at, **figures}
        for name, at in (("old", started), ("new", started + timedelta(days=1)))
    }
    execution = {"run_id": "new", "status": "FAILED", "started_at": started + timedelta(days=1), "finished_at": None}
    runs = merged([execution], known)
    assert [(run["run_id"], run["status"], run["loaded"]) for run in runs] == [
        ("new", "FAILED", 9),
        ("old", "SUCCEEDED", 9),
    ]


def test_the_revenue_of_a_csv_is_summed_exactly(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("total_amount,x\n" + "0.10,a\n" * 3 + "-0.05,b\n")
    assert revenue_of_csv(tmp_path / "t.csv") == Decimal("0.25")
