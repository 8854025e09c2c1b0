update metadata.load_run set files_waiting = (select count(*) {new})
where run_id = %(run_id)s and status = 'RUNNING'
returning files_waiting
