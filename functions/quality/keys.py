"""Business keys that a person takes for one: they differ by case, spaces, invisible characters or Unicode form only.

They are different keys, as values are stored as given; this check counts those that a run brought.
"""

from collections.abc import Iterator

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.render.checks import render_variant_keys
from functions.quality.results import CheckResult

_SHOWN = (None, "identifier", "none")


def check_keys(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Of the keys that each source has added to each hub, those of the same form as another key of the hub.

    Only of hubs of several sources, whose rows would not meet. Names three pairs, with what is invisible escaped, where
    the key's class lets it be shown.
    """
    by_source: dict[str, list[int]] = {}
    for object_id, source in connection.execute(
        "select object_id, source from metadata.object_version where object_id = any(%s)", (object_ids,)
    ):
        by_source.setdefault(source, []).append(object_id)
    for name, hub in model.hubs.items():
        for source in hub.sources if len(hub.sources) > 1 else ():
            if source not in by_source:
                continue
            count, of, pairs = connection.execute(
                render_variant_keys(model, name), {"object_ids": by_source[source]}
            ).fetchone() or (0, 0, [])
            rule_name = f"{source}.{hub.business_key}.variants"
            rule = model.quality.rule(rule_name)
            observed = f"{count} of {of} new keys differ from another key only in case, spaces or invisible characters"
            if pairs and model.sources[source].columns[hub.business_key].pii in _SHOWN:
                observed += f": {', '.join(f'{key!a} and {other!a}' for key, other in pairs)}"
            yield CheckResult(
                rule_name, rule.severity, rule.limit.allows(count, of), observed, source, count, str(rule.limit)
            )
