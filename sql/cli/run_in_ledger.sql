-- A row when the ledger knows the run.
select
from metadata.load_run
where run_id = %s
