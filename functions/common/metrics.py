"""Counts for CloudWatch, embedded in the log (EMF), so that no function needs a route to CloudWatch."""

from collections.abc import Mapping

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "C360"


def emit_counts(counts: Mapping[str, int], **metadata: str) -> None:
    """Emit one line of counts under the dimension `service` (POWERTOOLS_SERVICE_NAME); `metadata` is no dimension."""
    metrics = Metrics(namespace=NAMESPACE)
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    for key, value in metadata.items():
        metrics.add_metadata(key, value)
    metrics.flush_metrics()
