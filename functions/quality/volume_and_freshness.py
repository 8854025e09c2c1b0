"""Checks against what was before and what is now: record counts of the last runs, the age of the newest file, and files
of the future.
"""

from decimal import Decimal
from statistics import median

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.quality_rules import CountRule
from functions.quality.results import CheckResult

# The standard deviation of a normal distribution is 1.4826 times its median absolute deviation.
_SCALE = Decimal("1.4826")
_LEAST_SPREAD = Decimal("0.1")


def bounds(rule: CountRule, counts: list[Decimal]) -> tuple[int, int] | None:
    """The fewest and the most rows that are usual after `counts`; None while there are too few to say."""
    if len(counts) < rule.needs:
        return None
    middle = median(counts)
    spread = max(median([abs(count - middle) for count in counts]) * _SCALE, middle * _LEAST_SPREAD)
    margin = rule.deviations * spread
    return max(0, int(middle - margin)), int(middle + margin)


def check_count(connection: Connection, model: Model, run_id: str, source: str, rows: int) -> CheckResult:
    """Whether the rows of a source are as many as usual. A source without rows in this run is freshness's matter."""
    rule = model.quality.count
    name = f"{source}.count"
    counts = [row[0] for row in connection.execute(read_sql("quality/earlier_counts.sql"), (name, run_id, rule.runs))]
    usual = bounds(rule, counts)
    if usual is None:
        return CheckResult(
            name, rule.severity, True, f"{rows} rows; {len(counts)} of {rule.needs} earlier runs known", source, rows
        )
    fewest, most = usual
    threshold = f"{fewest} to {most}"
    observed = f"{rows} rows; usual after {len(counts)} runs: {threshold}"
    return CheckResult(name, rule.severity, fewest <= rows <= most, observed, source, rows, threshold)


def check_freshness(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """How old the newest effective instant of each source was at the start of the run; those later count as none."""
    rule = model.quality.freshness
    results = []
    for source in model.sources:
        row = connection.execute(read_sql("quality/age_of_newest_file.sql"), (source, run_id)).fetchone()
        age = None if row is None or row[0] is None else round(Decimal(row[0]), 3)
        observed = "no file yet" if age is None else f"the newest file is {age} days old"
        passed = age is None or age <= rule.days
        results.append(
            CheckResult(f"{source}.freshness", rule.severity, passed, observed, source, age, f"{rule.days:f} days")
        )
    return results


def check_future(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """Which files of the run are dated after its start: loaded like others, and shown once they are in force."""
    dated: dict[str, list[str]] = {}
    for source, key in connection.execute(read_sql("quality/files_of_the_future.sql"), (run_id,)):
        dated.setdefault(source, []).append(key)
    return [
        CheckResult(
            f"{source}.future", "warn", False, f"dated in the future: {', '.join(keys[:5])}", source, len(keys), "0"
        )
        for source, keys in dated.items()
        if source in model.sources
    ]
