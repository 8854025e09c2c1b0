"""The shapes of what the service says about itself: runs, checks, readiness."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field, WithJsonSchema

from functions.api.resources.models import Answer, Item, Page


class Run(Item):
    """A nightly load."""

    run_id: str
    status: Annotated[str, Field(description="RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.")]
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    sla_seconds: Annotated[float, Field(description="How long a run may take.")]
    within_sla: Annotated[bool | None, Field(description="Whether it took no longer; null while it runs.")]
    error: Annotated[str | None, Field(description="What made it fail, as its class's name.")]
    files: int
    rows_read: int
    rows_loaded: int
    rows_unchanged: int
    rows_duplicate: int
    rows_quarantined: int


class Runs(Page):
    """Nightly loads."""

    items: list[Run]


class Check(Item):
    """The outcome of a quality rule in a run."""

    run_id: str
    stage: str
    rule: str
    severity: str
    passed: bool
    observed: str
    checked_at: datetime
    source: str | None
    measured: Annotated[Decimal | None, WithJsonSchema({"type": "number"})]
    threshold: Annotated[str | None, Field(description="The limit in force at that run.")]


class Quality(Page):
    """Outcomes of quality rules."""

    items: list[Check]


class Readiness(Answer):
    """The database answers, has the schema that this software expects, and holds data of this age."""

    status: str
    published_at: Annotated[datetime | None, Field(description="When the marts were published; null before that.")]
    data_age_seconds: float | None
