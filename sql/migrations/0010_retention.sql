-- Retention is carried out, and told, each night. The export of the lake records its step after the run has succeeded.
drop trigger only_of_active_run on metadata.load_step;

alter table metadata.quarantine add column personal_removed_at timestamptz;

comment on column metadata.quarantine.personal_removed_at is
'When the cells of persons, and the lines that were no cells, were removed, as retention has it.';

create table metadata.retention_result (
    enforced_at timestamptz not null default now(),
    store text not null,
    class text not null,
    before timestamptz not null,
    records bigint,
    primary key (enforced_at, store, class)
);

comment on table metadata.retention_result is
'What retention has removed, night by night. records is null where others were using the store: the next night tries.';

create function metadata.enforce_retention() returns setof metadata.retention_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '5s' as $$
declare
    kept record;
    removed bigint;
begin
    for kept in
        select r.store, r.class, metadata.kept_since(r.store, r.class) as before
        from metadata.retention as r
        where r.store in ('quarantine', 'unknown_columns', 'dead_letters', 'events')
        order by r.store, r.class desc
    loop
        begin
            if kept.store = 'quarantine' and kept.class = 'personal' then
                update metadata.quarantine as q
                set raw_text = null,
                    personal_removed_at = now(),
                    raw = (
                        select jsonb_object_agg(cell.key, case when c.class = 'none' then cell.value end)
                        from jsonb_each(q.raw) as cell
                        left join metadata.column_class as c on c.source = o.source and c.column_name = cell.key
                    )
                from metadata.object_version as o
                where o.object_id = q.object_id
                    and q.quarantined_at < kept.before
                    and q.personal_removed_at is null;
                get diagnostics removed = row_count;
            elsif kept.store = 'quarantine' then
                delete from metadata.quarantine where quarantined_at < kept.before;
                get diagnostics removed = row_count;
            elsif kept.store = 'unknown_columns' then
                delete from metadata.unknown_columns as u
                using metadata.object_version as o, metadata.load_run as r
                where o.object_id = u.object_id and r.run_id = o.run_id and r.started_at < kept.before;
                get diagnostics removed = row_count;
            elsif kept.store = 'dead_letters' then
                delete from metadata.dead_letter where received_at < kept.before;
                get diagnostics removed = row_count;
            elsif kept.class = 'personal' then
                update raw_vault.link_customer_event
                set session_id = null, properties = null
                where occurred_at < kept.before and (session_id is not null or properties is not null);
                get diagnostics removed = row_count;
                update business_vault.live_activity
                set last_session_id = null, last_session_at = null
                where last_session_at < kept.before;
            else
                removed := metadata.drop_event_partitions();
            end if;
        exception when lock_not_available or deadlock_detected then
            removed := null;
        end;
        return query
        insert into metadata.retention_result as told (store, class, before, records)
        values (kept.store, kept.class, kept.before, removed)
        on conflict (enforced_at, store, class) do update set records = excluded.records
        returning told.*;
    end loop;
end
$$;

comment on function metadata.enforce_retention is
'Removes what retention no longer keeps, store by store, and tells what. Of days of events records counts partitions.';

revoke execute on function metadata.enforce_retention() from public;
