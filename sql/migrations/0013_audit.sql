-- Who read or changed whose data: records that are only ever added, each chained to the one before by its hash.
create schema audit;

comment on schema audit is 'Who read or changed whose data, apart from the data; functions/audit/ writes and verifies it.';

create table audit.record (
    record_id bigint primary key,
    recorded_at timestamptz not null,
    content jsonb not null,
    previous_hash bytea not null,
    hash bytea not null
);

comment on column audit.record.content is
'role (of the database), action, subject (whose key or token), route, customer_id, records, filter, and more by action.';

create index on audit.record using brin (recorded_at);
create index on audit.record ((content ->> 'customer_id'), record_id) where content ? 'customer_id';

-- The newest record, which the next one is chained to; and the newest of those that retention has removed.
create table audit.chain_end (
    which text primary key check (which in ('newest', 'forgotten')),
    record_id bigint not null,
    hash bytea not null
);

insert into audit.chain_end values ('newest', 0, '\x'), ('forgotten', 0, '\x');

create table audit.shipment (
    first_id bigint primary key,
    last_id bigint not null,
    object_key text not null,
    hash bytea not null,
    shipped_at timestamptz not null default now()
);

comment on table audit.shipment is 'Which records were copied to the bucket that keeps its objects locked.';

create function audit.hash_of(previous bytea, id bigint, at timestamptz, content jsonb) returns bytea
language sql stable set search_path = pg_catalog, pg_temp as $$
    select sha256(
        previous
        || convert_to(
            id || ' ' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || ' ' || content::text, 'UTF8'
        )
    )
$$;

create function audit.append(contents jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    newest audit.chain_end;
    element jsonb;
    elements jsonb[];
    hashes bytea[];
    at timestamptz;
    said text;
begin
    if jsonb_typeof(contents) is distinct from 'array'
        or not jsonb_array_length(contents) between 1 and 1000
        or pg_column_size(contents) > 8000000 then
        raise exception 'from 1 to 1000 records are appended at once' using errcode = 'invalid_parameter_value';
    end if;
    select * into newest from audit.chain_end where which = 'newest' for update;
    at := clock_timestamp();
    said := to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US');
    hashes := array[newest.hash];
    for element in select value from jsonb_array_elements(contents)
    loop
        if jsonb_typeof(element) <> 'object' then
            raise exception 'a record is an object' using errcode = 'invalid_parameter_value';
        end if;
        -- nobody writes in the name of another role
        element := element || jsonb_build_object('role', session_user);
        newest.record_id := newest.record_id + 1;
        -- as audit.hash_of
        newest.hash := sha256(newest.hash || convert_to(newest.record_id || ' ' || said || ' ' || element::text, 'UTF8'));
        elements := elements || element;
        hashes := hashes || newest.hash;
    end loop;
    insert into audit.record
    select newest.record_id - cardinality(elements) + n, at, e.content, hashes[n], hashes[n + 1]
    from unnest(elements) with ordinality as e (content, n);
    update audit.chain_end set record_id = newest.record_id, hash = newest.hash where which = 'newest';
    return newest.record_id;
end
$$;

comment on function audit.append is 'Adds records (a JSON array of objects) to the chain; returns the id of the last.';

create function audit.verify() returns table (records bigint, newest_id bigint, newest_hash bytea, broken_at bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
    with forgotten as (
        select * from audit.chain_end where which = 'forgotten'
    ), checked as (
        select
            r.record_id,
            r.record_id = lag(r.record_id, 1, f.record_id) over w + 1
            and r.previous_hash = lag(r.hash, 1, f.hash) over w
            and r.hash = audit.hash_of(r.previous_hash, r.record_id, r.recorded_at, r.content) as holds
        from audit.record as r
        cross join forgotten as f
        window w as (order by r.record_id)
    ), last as (
        select record_id, hash from forgotten
        union all
        (select record_id, hash from audit.record order by record_id desc limit 1)
        order by record_id desc
        limit 1
    )
    select
        (select count(*) from checked),
        n.record_id,
        n.hash,
        coalesce(
            (select min(record_id) from checked where not holds),
            case when (n.record_id, n.hash) is distinct from (l.record_id, l.hash) then l.record_id + 1 end
        )
    from audit.chain_end as n
    cross join last as l
    where n.which = 'newest'
$$;

comment on function audit.verify is
'How many records there are, the newest of them, and the first that was changed, removed or put in between (null: none).';

create function audit.forget(before timestamptz) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    last_one audit.record;
    removed bigint;
begin
    -- where copies are kept, only what was copied goes
    select * into last_one
    from audit.record
    where recorded_at < before
        and (not exists (select from audit.shipment) or record_id <= (select max(last_id) from audit.shipment))
    order by record_id desc
    limit 1;
    if last_one.record_id is null then
        return 0;
    end if;
    delete from audit.record where record_id <= last_one.record_id;
    get diagnostics removed = row_count;
    update audit.chain_end set record_id = last_one.record_id, hash = last_one.hash where which = 'forgotten';
    return removed;
end
$$;

revoke execute on all functions in schema audit from public;

create or replace function metadata.enforce_retention() returns setof metadata.retention_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '5s' as $$
declare
    kept record;
    removed bigint;
begin
    for kept in
        select r.store, r.class, metadata.kept_since(r.store, r.class) as before
        from metadata.retention as r
        where r.store in ('quarantine', 'unknown_columns', 'dead_letters', 'events', 'audit')
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
            elsif kept.store = 'audit' then
                removed := audit.forget(kept.before);
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
