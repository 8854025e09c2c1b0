-- What runs as its owner looks for tables nowhere but where it says, and does no more than retention allows; nobody else
-- can take the locks of the load; and what has ended stays as it was written.

-- Retention as the model declares it, written by every migration. What functions below forget, they look up here, so
-- nobody who may call them can make them forget more.
create table metadata.retention (
    store text not null,
    class text not null check (class in ('personal', 'other')),
    days integer not null check (days >= 1),
    primary key (store, class)
);

comment on table metadata.retention is
'How many days each store keeps personal data, and anything at all, as the model declares it.';

create function metadata.kept_since(of_store text, of_class text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    kept integer;
begin
    select days into kept from metadata.retention where store = of_store and class = of_class;
    if kept is null then
        raise exception 'no retention is declared for % (%)', of_store, of_class;
    end if;
    return now() - make_interval(days => kept);
end
$$;

comment on function metadata.kept_since is 'Before this instant retention keeps nothing of that class in that store.';

-- Locks are rows, which only who may update them can lock: an advisory lock is anybody's.
create table metadata.lock (name text primary key);

insert into metadata.lock values ('plan'), ('publication');

comment on table metadata.lock is
'One row for what only one may do at a time: plan, publication, and writing each table of the vault.';

create or replace function raw_vault.open_tracking_month(instant timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first_day timestamptz := date_trunc('month', instant, 'UTC');
    name text := 'record_tracking_' || to_char(first_day at time zone 'UTC', 'YYYY_MM');
begin
    if instant is null or instant < '0001-01-01Z' or instant >= '10000-01-01Z' then
        raise exception 'rows became true between the years 1 and 9999' using errcode = 'invalid_parameter_value';
    end if;
    if exists (select from pg_catalog.pg_tables where schemaname = 'raw_vault' and tablename = name) then
        return;
    end if;
    perform from metadata.lock as l where l.name = 'record_tracking_satellite' for update;
    if not exists (select from pg_catalog.pg_tables where schemaname = 'raw_vault' and tablename = name) then
        execute format(
            'create table raw_vault.%I partition of raw_vault.record_tracking_satellite'
            ' for values from (%L) to (%L)', name, first_day, first_day + interval '1 month'
        );
    end if;
end
$$;

drop function raw_vault.forget_tracking(timestamptz);

create function raw_vault.forget_tracking() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    month record;
    before timestamptz;
    forgotten integer := 0;
begin
    -- as seen from the newest file
    select max(least(now(), effective_at)) - (now() - metadata.kept_since('record_tracking', 'other')) into before
    from metadata.object_version
    where status = 'LOADED';
    for month in
        select c.relname, to_date(right(c.relname, 7), 'YYYY_MM') as first_day
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'raw_vault.record_tracking_satellite'::regclass
    loop
        if (month.first_day + interval '1 month') at time zone 'UTC' <= before then
            execute format(
                'insert into metadata.tracking_horizon (source, horizon)'
                ' select distinct o.source, %L::timestamptz from raw_vault.%I as t'
                ' join metadata.object_version as o on o.object_id = t.record_source'
                ' on conflict (source) do update set horizon = greatest(tracking_horizon.horizon, excluded.horizon)',
                (month.first_day + interval '1 month') at time zone 'UTC', month.relname
            );
            execute format('drop table raw_vault.%I', month.relname);
            forgotten := forgotten + 1;
        end if;
    end loop;
    return forgotten;
end
$$;

comment on function raw_vault.forget_tracking is
'Drops the months that end before the late window, as seen from the newest file, and notes for each source that had '
'rows there how far it forgets.';

alter function raw_vault.set_indexes_aside(text) set search_path = pg_catalog, pg_temp;
alter function raw_vault.restore_indexes(text) set search_path = pg_catalog, pg_temp;
alter function business_vault.index_for_readers() set search_path = pg_catalog, pg_temp;

create function metadata.check_indexes_restored() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from metadata.index_set_aside as a where a.vault_table = new.vault_table) then
        raise exception 'the indexes of % were set aside and not restored in the same transaction', new.vault_table;
    end if;
    return null;
end
$$;

create constraint trigger restored after insert on metadata.index_set_aside
deferrable initially deferred
for each row execute function metadata.check_indexes_restored();

create or replace function metadata.make_event_partitions(first_day date, last_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    day date;
    name text;
    made integer := 0;
begin
    if not coalesce(
        last_day - first_day <= 31 and first_day >= current_date - 3650 and last_day <= current_date + 31, false
    ) then
        raise exception 'partitions are made for up to 32 days, not before ten years ago nor beyond a month ahead'
        using errcode = 'invalid_parameter_value';
    end if;
    for day in select d::date from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') as d
    loop
        name := 'link_customer_event_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('raw_vault.' || name) is not null;
        -- one at a time; and no event of the day may enter the default partition while the day's is made
        lock table raw_vault.link_customer_event_default in access exclusive mode;
        continue when to_regclass('raw_vault.' || name) is not null;
        execute format(
            'create table raw_vault.%I '
            '(like raw_vault.link_customer_event including defaults including constraints)', name
        );
        execute format(
            'with moved as (delete from raw_vault.link_customer_event_default '
            'where occurred_at >= %L and occurred_at < %L returning *) insert into raw_vault.%I select * from moved',
            day, day + 1, name
        );
        execute format(
            'alter table raw_vault.link_customer_event attach partition raw_vault.%I for values from (%L) to (%L)',
            name, day, day + 1
        );
        made := made + 1;
    end loop;
    return made;
end
$$;

drop function metadata.drop_event_partitions(date);

create function metadata.drop_event_partitions() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    before_day date := metadata.kept_since('events', 'other')::date;
    partition_name text;
    dropped integer := 0;
begin
    for partition_name in
        select c.relname
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c on c.oid = i.inhrelid
        where
            i.inhparent = 'raw_vault.link_customer_event'::regclass
            and c.relname ~ '^link_customer_event_[0-9]{8}$'
            and right(c.relname, 8) < to_char(before_day, 'YYYYMMDD')
        order by c.relname
    loop
        execute format('drop table raw_vault.%I', partition_name);
        dropped := dropped + 1;
    end loop;
    delete from raw_vault.link_customer_event_default where occurred_at < before_day;
    -- an id stays as long as its event, and two days more for what was dated ahead
    delete from metadata.event_id where loaded_at < before_day - 2;
    return dropped;
end
$$;

comment on function metadata.drop_event_partitions is 'Drops the days of events that retention no longer keeps.';

revoke execute on all functions in schema metadata from public;
revoke execute on function raw_vault.forget_tracking() from public;
grant execute on function metadata.line_of(bigint, bigint) to public;

-- What has ended is history: only a run that is active writes to the ledger, and only about itself. The owner of the
-- tables, who could drop these triggers, is not held by them.

create function metadata.is_owner(of_table oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select pg_get_userbyid(relowner) = current_user from pg_catalog.pg_class where oid = of_table
$$;

create function metadata.keep_ended_runs() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if metadata.is_owner(tg_relid) then
        return new;
    end if;
    if old.status <> 'RUNNING' and not (new.status = 'RUNNING' and new.redrive_count > old.redrive_count
        and old.status in ('FAILED', 'TIMED_OUT', 'ABORTED')) then
        raise exception 'run % has ended, and its record stays', old.run_id using errcode = 'insufficient_privilege';
    end if;
    if (new.run_id, new.execution_arn, new.started_at, new.loaded_at)
        is distinct from (old.run_id, old.execution_arn, old.started_at, old.loaded_at) then
        raise exception 'which run it is, and since when, stays' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger ended_runs_stay before update on metadata.load_run
for each row execute function metadata.keep_ended_runs();

create function metadata.keep_to_active_run() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not metadata.is_owner(tg_relid)
        and not exists (select from metadata.load_run where run_id = new.run_id and status = 'RUNNING') then
        raise exception 'only an active run writes to %', tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger only_of_active_run before insert or update on metadata.quality_result
for each row execute function metadata.keep_to_active_run();
create trigger only_of_active_run before insert on metadata.load_step
for each row execute function metadata.keep_to_active_run();
create trigger only_of_active_run before insert on metadata.vault_load
for each row execute function metadata.keep_to_active_run();
create trigger only_of_active_run before insert or update on metadata.object_version
for each row execute function metadata.keep_to_active_run();

create function metadata.keep_object_versions() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if metadata.is_owner(tg_relid) then
        return new;
    end if;
    if (
        new.object_id, new.bucket, new.object_key, new.version_id, new.etag, new.size_bytes, new.uploaded_at,
        new.source, new.is_snapshot, new.effective_at
    ) is distinct from (
        old.object_id, old.bucket, old.object_key, old.version_id, old.etag, old.size_bytes, old.uploaded_at,
        old.source, old.is_snapshot, old.effective_at
    ) then
        raise exception 'which object it is stays as it was found' using errcode = 'insufficient_privilege';
    end if;
    if old.status in ('LOADED', 'REJECTED', 'WITHDRAWN')
        and (new.content_sha256, new.rows_read, new.rows_loaded, new.rows_unchanged, new.rows_duplicate,
            new.rows_quarantined, new.measures)
        is distinct from (old.content_sha256, old.rows_read, old.rows_loaded, old.rows_unchanged, old.rows_duplicate,
            old.rows_quarantined, old.measures) then
        raise exception 'what became of object % stays as it was counted', old.object_id
        using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger counted_objects_stay before update on metadata.object_version
for each row execute function metadata.keep_object_versions();
