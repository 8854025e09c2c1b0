"""Business keys that a person takes for one: they differ by case, spaces, invisible characters or Unicode form only.

They are different keys, as values are stored as given; this check counts those that a run brought.
"""

from collections.abc import Iterable

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.render.checks import render_variant_keys
from functions.quality.results import CheckResult

_SHOWN = (None, "identifier", "none")


def hubs_of_several_sources(model: Model, sources: Iterable[str]) -> list[tuple[str, str]]:
    """Each hub and source, of these, whose keys `check_keys` compares: rows of one hub's sources would not meet."""
    return [
        (name, source)
        for name, hub in model.hubs.items()
        for source in (hub.sources if len(hub.sources) > 1 else ())
        if source in sources
    ]


def check_keys(connection: Connection, model: Model, hub_name: str, source: str, object_ids: list[int]) -> CheckResult:
    """Of the keys that these objects of the source have added to the hub, those of the same form as another key of it.

    Names three pairs, with what is invisible escaped, where the key's class lets it be shown.
    """
    hub = model.hubs[hub_name]
    count, of, pairs = connection.execute(
        render_variant_keys(model, hub_name), {"object_ids": object_ids}
    ).fetchone() or (0, 0, [])
    rule_name = f"{source}.{hub.business_key}.variants"
    rule = model.quality.rule(rule_name)
    observed = f"{count} of {of} new keys differ from another key only in case, spaces or invisible characters"
    if pairs and model.sources[source].columns[hub.business_key].pii in _SHOWN:
        observed += f": {', '.join(f'{key!a} and {other!a}' for key, other in pairs)}"
    return CheckResult(rule_name, rule.severity, rule.limit.allows(count, of), observed, source, count, str(rule.limit))
