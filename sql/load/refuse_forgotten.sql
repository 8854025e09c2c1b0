update metadata.object_version as held
set status = 'REJECTED', reason = format(
    'its rows became true at %%s, but what was observed before %%s is forgotten (late_window_days in sql/model.yaml)',
    held.effective_at, h.horizon
)
from metadata.tracking_horizon as h
where held.run_id = %(run_id)s
    and held.status = 'PLANNED'
    and h.source = held.source
    and held.effective_at < h.horizon
