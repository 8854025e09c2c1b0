"""A guide of docs/, followed to the letter: its edits, files and commands, and the answers that it shows."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cli.commands.sql import execute
from cli.output import as_text
from functions.load.schema.migrate import ROLES, migrate, read_migrations
from functions.model.reading import parse_model
from tests.support.night import ROLE_PASSWORD, Night

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = (
    "from pathlib import Path; import sys; from cli.files.landing import place;"
    " print(place([Path(sys.argv[1])])[0].source)"
)


@dataclass(frozen=True)
class Block:
    """A fenced block: `kind` and `name` are what follows the fence."""

    kind: str
    name: str
    text: str


def blocks(guide: Path) -> list[Block]:
    """The fenced blocks of a guide, in order."""
    return [Block(*(part or "" for part in match.groups())) for match in _BLOCK.finditer(guide.read_text("utf-8"))]


class Reader:
    """Somebody who follows a guide in a checkout of their own, with a platform that runs."""

    def __init__(self, checkout: Path, night: Night) -> None:
        for room in ("cli", "functions", "local", "sql"):
            shutil.copytree(ROOT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
        self.checkout = checkout
        self.night = night
        self.answers: list[str] = []

    def follow(self, block: Block) -> None:
        """Do what a block says; an answer that it shows must be that of the commands before it."""
        match block.kind:
            case "diff":
                self._edit(block.text)
            case "csv":
                (self.checkout / block.name).write_text(block.text, encoding="utf-8")
            case "sh":
                self.answers = [answer for line in block.text.splitlines() for answer in self._run(line)]
            case "text":
                assert block.text.strip().split("\n\n") == self.answers
            case _:
                raise AssertionError(f"this test cannot follow a block of {block.kind}")

    def _edit(self, diff: str) -> None:
        """Replace the lines of sql/model.yaml that a diff shows, which must stand there once."""
        model = self.checkout / "sql" / "model.yaml"
        lines = diff.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        text = model.read_text("utf-8")
        assert text.count(old) == 1, old
        model.write_text(text.replace(old, new), encoding="utf-8")

    def _run(self, line: str) -> Iterator[str]:
        program, command, *arguments = shlex.split(line, comments=True)
        assert program == "c360"
        match command, arguments:
            case ("model", _) | ("sql", ["render", *_]):
                self._python("from cli.main import main; main()", command, *arguments)
            case "up", []:
                self._deploy()
            case "drop", [file, "--date", day]:
                source = self._python(_PLACE, file).strip()
                self.night.drop(f"{source}/dt={day}/{file}", (self.checkout / file).read_bytes())
            case "run", ["--wait"]:
                self.night.run()
            case "sql", [query]:
                with psycopg.connect(self.night.admin_url) as connection:
                    columns, rows, _ = execute(connection, query)
                yield "\n".join(" ".join(map(_shown, row)) for row in [columns, *rows])
            case _:
                raise AssertionError(f"this test cannot follow {line}")

    def _python(self, code: str, *arguments: str) -> str:
        """Run the checkout's own code, as its c360 would."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=self.checkout, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _deploy(self) -> None:
        with psycopg.connect(self.night.admin_url) as connection:
            migrate(
                connection,
                dict.fromkeys(ROLES, ROLE_PASSWORD),
                read_migrations(self.checkout / "sql" / "migrations"),
            )
        self.night.model = parse_model((self.checkout / "sql" / "model.yaml").read_text("utf-8"))


def _shown(value: Any) -> str:
    return "" if value is None else as_text(value)
