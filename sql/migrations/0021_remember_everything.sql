-- Without a declared window nothing of what was observed is forgotten, so that a past of any length can be loaded.

create or replace function raw_vault.forget_tracking() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    month record;
    before timestamptz;
    forgotten integer := 0;
begin
    if not exists (select from metadata.retention where store = 'record_tracking') then
        return 0;
    end if;
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
