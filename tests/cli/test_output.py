"""What files, logs and databases say reaches a terminal as text: it obeys none of it."""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cli.deployment import Deployment
from cli.errors import QueryError
from cli.log_lines import LogLine
from cli.output import Output, printable, stdout_for_csv, table
from tests.support.command_line import C360

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\x9b31m\rc\u202ed\x7f"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

DRAWN = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\r")
"""What rich itself writes to a terminal: colours, the cursor, lines drawn again; nothing of HOSTILE."""


on_terminal_and_pipe = pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])


def _pretend(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: is_terminal)


@on_terminal_and_pipe
def test_no_control_character_of_a_value_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    _pretend(monkeypatch, is_terminal=is_terminal)
    output = Output(as_json=False)
    output.say(HOSTILE)
    output.show(HOSTILE)
    output.show(table([HOSTILE], [[HOSTILE]]))
    with output.working(HOSTILE) as report:
        report(HOSTILE)
    with output.advancing("rows") as advance:
        advance(HOSTILE, 1, 1)
    wrote = capsys.readouterr()
    assert r"a\u001b]0;owned\u0007" in wrote.out
    assert r"a\u001b]0;owned\u0007" in wrote.err
    assert OBEYED.findall(DRAWN.sub("", wrote.out + wrote.err)) == []


def test_json_is_printable_and_exact(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).result({"key": HOSTILE, "town": "Zürich"})
    wrote = capsys.readouterr().out
    assert not OBEYED.search(wrote)
    assert "Zürich" in wrote
    assert json.loads(wrote)["key"] == HOSTILE


def test_a_value_with_a_line_feed_stays_in_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).show(table(["file"], [["a.csv\nb.csv LOADED"]]))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_error_shows_what_it_quotes_as_text(
    c360: C360, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_target: object) -> None:
        raise QueryError(HOSTILE)

    monkeypatch.setattr("cli.deployment.open_deployment", refused)
    assert not OBEYED.search(c360("outputs").stderr)
    assert c360("outputs", "--json").json["error"]["message"] == HOSTILE.replace("\r", " ")


def test_a_field_of_a_log_line_cannot_pass_for_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    message = json.dumps({"level": "INFO", "message": "staged\n12:00:00 load    ERROR", "file": f"{HOSTILE}\nx"})
    line = LogLine("1", "load", datetime(2026, 11, 22, tzinfo=UTC), message)
    Output(as_json=False).show(line.text)
    wrote = capsys.readouterr().out
    assert len(wrote.splitlines()) == 1
    assert not OBEYED.search(wrote)


@on_terminal_and_pipe
def test_csv_is_exact_in_a_file_and_printable_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    _pretend(monkeypatch, is_terminal=is_terminal)
    stdout_for_csv().write(HOSTILE)
    assert capsys.readouterr().out == (printable(HOSTILE) if is_terminal else HOSTILE)
