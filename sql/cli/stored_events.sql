-- How many events of a producer's run are stored, and the seconds from each event's timestamp until then.
select
    count(*),
    percentile_cont(array[0.5, 0.95, 0.99, 1.0]) within group (order by extract(epoch from loaded_at - occurred_at))
from business_vault.vw_event
where loaded_at >= %s::timestamptz - interval '1 minute' and properties ->> 'run' = %s
