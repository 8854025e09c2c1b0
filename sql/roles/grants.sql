-- What each role may do; run after every migration, so it must stay repeatable. The roles exist by then.
grant usage, create on schema staging to c360_loader;

do $$
declare
    staging_table record;
begin
    -- the loader analyzes and truncates staging, which only an owner may do before PostgreSQL 17; and only who may
    -- create in a schema can be made an owner there, by an administrator who is no superuser
    for staging_table in select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'staging'
    loop
        execute format('alter table %s owner to c360_loader', staging_table.name);
    end loop;
end
$$;

grant usage on schema raw_vault, business_vault, metadata to c360_loader;
grant select, insert on all tables in schema raw_vault to c360_loader;
grant select, insert, update, delete on all tables in schema business_vault, metadata to c360_loader;
-- what is written by the migrator alone; and what functions of the owner execute, or look up to know how far they may go
revoke insert, update, delete
on metadata.migration, metadata.index_set_aside, metadata.retention, metadata.retention_result, metadata.column_class,
metadata.tracking_horizon, metadata.reporting
from c360_loader;
-- the API's own
revoke all on metadata.share_key, metadata.share_link, metadata.costly_slot from c360_loader;
-- the ledger is added to, and completed by the run that is active (see its triggers); nothing of it is deleted
revoke delete
on metadata.load_run, metadata.object_version, metadata.vault_load, metadata.load_step, metadata.quality_result,
metadata.mart_publication, metadata.lock, metadata.retraction, metadata.vault_retraction, metadata.vault_snapshot,
metadata.shared_partition
from c360_loader;
revoke update
on metadata.vault_load, metadata.load_step, metadata.retraction, metadata.vault_retraction, metadata.vault_snapshot
from c360_loader;
grant update (loaded_below, batches) on metadata.vault_load, metadata.vault_retraction to c360_loader;
revoke insert on metadata.lock from c360_loader;
-- the stream's own
revoke insert, update, delete on metadata.stream_offset, metadata.dead_letter, metadata.event_id from c360_loader;
grant execute on function business_vault.index_for_readers, metadata.refresh_statistics to c360_loader;

grant usage on schema business_vault to c360_api;
grant select on all tables in schema business_vault to c360_api;

-- the as-of functions read history with the rights of who calls them: security definer would keep the planner from
-- seeing through them to an index
grant usage on schema raw_vault, metadata to c360_api;
grant select on raw_vault.hub_customer, raw_vault.hub_product, raw_vault.hub_order,
raw_vault.link_customer_order, raw_vault.link_order_product,
raw_vault.sat_customer_details, raw_vault.sat_customer_status, raw_vault.sat_product_details,
raw_vault.sat_product_status, raw_vault.sat_order_details, raw_vault.sat_order_line, raw_vault.sat_order_line_status,
raw_vault.sat_customer_order_effectivity, raw_vault.link_customer_event to c360_api;
grant select on metadata.mart_publication, metadata.retraction, metadata.mart_instant, metadata.uncounted_object
to c360_api;
grant select (object_id, object_key, uploaded_at, effective_at, run_id) on metadata.object_version to c360_api;
-- what ran and what was checked; never the rejected rows, nor where the platform runs
grant select (rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_overruled, rows_quarantined)
on metadata.object_version to c360_api;
grant select (run_id, status, started_at, finished_at, error) on metadata.load_run to c360_api;
grant select on metadata.quality_result to c360_api;
grant select on metadata.migration to c360_api;
grant execute on function metadata.take_costly_slot to c360_api;
grant select on metadata.share_key, metadata.share_link to c360_api;
grant insert (expires_at, view, filters_locked, personal, note, created_by), update (revoked_at) on metadata.share_link to c360_api;
-- which rows were set aside and why, never what stands in them
grant select (quarantine_id, object_id, row_number, line_number, reasons, quarantined_at, replayed_by)
on metadata.quarantine to c360_api;
grant select (status, reason) on metadata.object_version to c360_api;
grant select on metadata.load_step to c360_api;
grant select (object_id, part, first_row, first_line, rows_read, lines_read) on metadata.object_part to c360_api;

-- dashboards read the views without persons; who may see persons, the views themselves
grant usage on schema masked to c360_bi, c360_loader;
grant select on all tables in schema masked to c360_bi, c360_loader;
revoke usage on schema business_vault from c360_bi;
grant usage on schema business_vault to c360_bi_persons;
do $$
declare
    view record;
begin
    for view in select format('%I.%I', schemaname, viewname) as name from pg_views where schemaname = 'business_vault'
    loop
        execute format('revoke select on %s from c360_bi', view.name);
        execute format('grant select on %s to c360_bi_persons', view.name);
    end loop;
end
$$;
-- sums over all customers, which show no person: read with the rights of their owner, as views or with filters
do $$
declare
    metric record;
begin
    for metric in
        select format('%I.%I', schemaname, viewname) as name
        from pg_views
        where schemaname = 'business_vault' and viewname like 'metric\_%'
    loop
        execute format('grant select on %s to c360_bi', metric.name);
    end loop;
    for metric in
        select oid::regprocedure as name
        from pg_proc
        where pronamespace = 'business_vault'::regnamespace and proname like 'metric\_%'
    loop
        execute format('revoke execute on function %s from public', metric.name);
        execute format('grant execute on function %s to c360_api, c360_bi, c360_bi_persons', metric.name);
    end loop;
end
$$;
grant usage on schema business_vault to c360_bi, c360_bi_persons;
alter role c360_bi set search_path = masked;
alter role c360_bi_persons set search_path = business_vault;

grant execute on function
raw_vault.open_tracking_month, raw_vault.forget_tracking, raw_vault.set_indexes_aside, raw_vault.restore_indexes,
metadata.enforce_retention
to c360_loader;

-- the stream writes events and activity; of the hubs it sees only which keys exist
grant usage on schema raw_vault, business_vault, metadata to c360_stream;
grant insert on raw_vault.hub_customer, raw_vault.hub_product to c360_stream;
grant select (customer_hash_key) on raw_vault.hub_customer to c360_stream;
grant select (product_hash_key) on raw_vault.hub_product to c360_stream;
grant insert on raw_vault.link_customer_event to c360_stream;
grant insert on business_vault.mart_customer_360, business_vault.mart_product_analytics to c360_stream;
grant select, insert, update
on business_vault.real_time_metrics, business_vault.event_total, business_vault.live_activity
to c360_stream;
grant select, insert, update on metadata.stream_offset, metadata.dead_letter to c360_stream;
grant select (link_hash_key), insert on metadata.event_id to c360_stream;
grant execute on function metadata.make_event_partitions(date, date) to c360_stream;
revoke execute on function metadata.drop_event_partitions() from c360_stream;

-- the audit trail is added to, by one function; the loader verifies it and copies it away
grant usage on schema audit to c360_api, c360_loader;
grant execute on function audit.append to c360_api, c360_loader;
grant execute on function audit.verify, audit.hash_of to c360_loader;
grant select on all tables in schema audit to c360_loader;
grant insert on audit.shipment to c360_loader;

-- Temporary tables are for who computes with them: in others' names they only stand in front of real ones.
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
    execute format('grant temporary on database %I to c360_loader, c360_stream', current_database());
end
$$;

-- a lock for each table of the vault
insert into metadata.lock
select tablename from pg_tables where schemaname = 'raw_vault' and tablename !~ '_[0-9_]{7,8}$'
on conflict do nothing;

-- Nobody holds the database up: not by statements without end, not by transactions left open, not by connections, of
-- which the smallest RDS instance has 112. Functions end after 15 minutes, so what they have asked for does too.
alter role c360_loader connection limit 45;
alter role c360_loader set statement_timeout = '14min';
alter role c360_loader set lock_timeout = '10min';
alter role c360_loader set idle_in_transaction_session_timeout = '5min';
alter role c360_api connection limit 40;
-- what the API also asks for when it signs in, which RDS Proxy does not pass on
alter role c360_api set timezone = 'UTC';
alter role c360_api set datestyle = 'ISO, YMD';
alter role c360_api set default_transaction_read_only = on;
alter role c360_api set statement_timeout = '5s';
alter role c360_api set lock_timeout = '2s';
alter role c360_api set idle_in_transaction_session_timeout = '10s';
alter role c360_stream connection limit 12;
alter role c360_stream set statement_timeout = '1min';
alter role c360_stream set lock_timeout = '30s';
alter role c360_stream set idle_in_transaction_session_timeout = '30s';
alter role c360_bi connection limit 7;
alter role c360_bi set statement_timeout = '2min';
alter role c360_bi set lock_timeout = '5s';
alter role c360_bi set idle_in_transaction_session_timeout = '1min';
alter role c360_bi_persons connection limit 5;
alter role c360_bi_persons set statement_timeout = '2min';
alter role c360_bi_persons set lock_timeout = '5s';
alter role c360_bi_persons set idle_in_transaction_session_timeout = '1min';
