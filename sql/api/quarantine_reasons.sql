-- For how many rows of all time each reason was given, and how many of these wait.
select coalesce(json_agg(row_to_json(counted) order by counted.rows desc, counted.reason), '[]')::text
from (
    select reason, count(*) as rows, count(*) filter (where q.replayed_by is null) as waiting
    from metadata.quarantine as q
    cross join unnest(q.reasons) as reason
    group by reason
    order by rows desc, reason
    limit 1000
) as counted
