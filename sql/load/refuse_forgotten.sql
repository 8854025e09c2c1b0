update metadata.object_version as o
set status = 'REJECTED', reason = format(
    'its rows became true at %%s, but what was observed before %%s is forgotten (late_window_days in sql/model.yaml)',
    o.effective_at, h.horizon
)
from metadata.tracking_horizon as h
where o.run_id = %(run_id)s
    and o.status = 'PLANNED'
    and h.source = o.source
    and o.effective_at < h.horizon
