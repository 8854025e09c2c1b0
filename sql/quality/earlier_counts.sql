select result.measured
from metadata.quality_result as result
join metadata.load_run as run using (run_id)
where result.rule = %s
    and result.run_id <> %s
    and run.status = 'SUCCEEDED'
order by result.checked_at desc
limit %s
