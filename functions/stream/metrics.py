"""The stream's metrics for CloudWatch, embedded in its log."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from functions.stream.merge import Merged

NAMESPACE = "C360"
DEAD_LETTERS = "DeadLetters"


def emit(merged: Merged) -> None:
    """Emit the counts of one batch, under the dimension `service` (POWERTOOLS_SERVICE_NAME)."""
    metrics = Metrics(namespace=NAMESPACE)
    metrics.add_metric("EventsStored", MetricUnit.Count, merged.stored)
    metrics.add_metric("EventsRepeated", MetricUnit.Count, merged.repeated)
    metrics.add_metric(DEAD_LETTERS, MetricUnit.Count, merged.dead)
    metrics.flush_metrics()
