select distinct s.source, s.first_object, s.end_object
from metadata.shared_object as s
join pg_tables as t on t.schemaname = 'staging' and t.tablename = 'shared_' || s.first_object
where s.run_id = %s
order by s.first_object
