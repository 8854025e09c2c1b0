with last as (
    select run_id
    from metadata.quality_result
    order by checked_at desc, run_id
    limit 1
)
select
    (select run_id from last) as run_id,
    max(checked_at) as checked_at,
    count(*) filter (where passed) as passed,
    count(*) filter (where not passed and severity = 'warn') as warnings,
    count(*) filter (where not passed and severity = 'error') as errors
from metadata.quality_result
where run_id = (select run_id from last)
