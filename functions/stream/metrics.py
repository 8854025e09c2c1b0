"""The stream's metrics for CloudWatch, embedded in its log."""

from functions.common.metrics import emit_counts
from functions.stream.merge import Merged

STORED = "EventsStored"
REPEATED = "EventsRepeated"
DEAD_LETTERS = "DeadLetters"


def emit(merged: Merged) -> None:
    """Emit the counts of one batch."""
    emit_counts({STORED: merged.stored, REPEATED: merged.repeated, DEAD_LETTERS: merged.dead})
