"""One limit of a nightly load: what the alarm watches is what dashboards call late."""

from functions.model.metrics import load_metrics
from infra.constructs.alerts import SLA


def test_the_alarm_and_the_figures_have_one_limit() -> None:
    assert SLA.to_minutes() == load_metrics().run_limit_minutes
