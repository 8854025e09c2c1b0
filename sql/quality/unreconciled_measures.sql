select o.object_id, m.key
from metadata.object_version as o, jsonb_each(o.measures) as m
where o.object_id = any(%s)
    and (
        (m.value ->> 'file')::numeric is distinct from
            (m.value ->> 'quarantined')::numeric + coalesce((m.value ->> 'omitted')::numeric, 0)
            + (m.value ->> 'staged')::numeric
        or (m.value ->> 'staged')::numeric is distinct from
            (m.value ->> 'vault')::numeric + (m.value ->> 'duplicate')::numeric + (m.value ->> 'overruled')::numeric
    )
order by 1, 2
