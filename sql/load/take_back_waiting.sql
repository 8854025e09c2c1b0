-- Files that are to be taken back before they were loaded, by runs that have ended.
update metadata.object_version as o
set status = 'RETRACTED', reason = 'it was taken back', run_id = %(run_id)s
where o.object_key = any(%(keys)s)
    and o.status in ('PLANNED', 'STAGED', 'REPEATED', 'UNREADABLE')
    and o.run_id in (select run_id from metadata.load_run where status <> 'RUNNING')
