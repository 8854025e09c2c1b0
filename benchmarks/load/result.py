"""What one load took: seconds by part, the WAL it wrote, and how large the schemas are after it."""

import time
from dataclasses import dataclass, field

import psycopg

_OF_THE_NIGHT = ("check staging", "check vault", "marts")


@dataclass(frozen=True)
class Result:
    """`parts` add up to the figure; `beside` is what the load also did. Seconds, bytes."""

    parts: dict[str, float]
    beside: dict[str, float]
    wal: int
    sizes: dict[str, int]

    @property
    def seconds(self) -> float:
        """From the first byte of staging to the last satellite."""
        return sum(self.parts.values())

    @property
    def night(self) -> float:
        """Load, checks and marts together: until readers see what the files said."""
        return self.seconds + sum(seconds for part, seconds in self.beside.items() if part in _OF_THE_NIGHT)


@dataclass
class Clock:
    """Laps of one load, on the database at `url`."""

    url: str
    parts: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("checkpoint")  # each load pays for its own full-page images, and for no other's
            row = connection.execute("select pg_current_wal_lsn()::text").fetchone()
        self._start = row[0] if row else "0/0"
        self._last = time.perf_counter()

    def lap(self, part: str, *, beside: bool = False) -> None:
        """Seconds since the last lap go to `part`."""
        now = time.perf_counter()
        laps = self.beside if beside else self.parts
        laps[part] = laps.get(part, 0) + now - self._last
        self._last = now

    def result(self) -> Result:
        """The laps, with what the database wrote meanwhile and now holds."""
        with psycopg.connect(self.url) as connection:
            wal = connection.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), %s::pg_lsn)", (self._start,))
            written = wal.fetchone()
            sizes = connection.execute(
                "select n.nspname, sum(pg_total_relation_size(c.oid))::bigint from pg_class as c"
                " join pg_namespace as n on n.oid = c.relnamespace"
                " where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema)' group by 1 order by 1"
            ).fetchall()
        return Result(self.parts, self.beside, int(written[0]) if written else 0, dict(sizes))
