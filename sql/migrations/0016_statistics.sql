-- The same rows as before, planned with another estimate. PostgreSQL expects an anti join with the mostly empty table of
-- retractions to leave one row, and then reads large tables once for each row of others. A `not in` leaves half.
create or replace view metadata.object_position as
select
    object_id,
    source,
    effective_at,
    row_number() over (partition by source order by effective_at, object_key, uploaded_at, object_id) as position
from metadata.object_version as o
where o.object_id not in (select r.object_id from metadata.retraction as r);

create function metadata.refresh_statistics(schema_name text, table_name text, new_rows bigint) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp set default_statistics_target = 10 as $$
declare
    place regclass := to_regclass(format('%I.%I', schema_name, table_name));
begin
    if schema_name not in ('raw_vault', 'business_vault') or place is null then
        raise exception '% is no table of the vault or the marts', format('%I.%I', schema_name, table_name)
        using errcode = 'invalid_parameter_value';
    end if;
    -- the limits of autovacuum, which comes a minute later; -1 rows: nobody has counted yet
    if new_rows < 50 or new_rows < 0.1 * (select c.reltuples from pg_class as c where c.oid = place) then
        return false;
    end if;
    execute format('analyze %s', place);
    return true;
end
$$;
comment on function metadata.refresh_statistics is
'Counts anew what a table holds, if the new rows are many beside those that were counted last: the steps that follow in '
'the same load are planned with it. From a small sample, which takes milliseconds.';
revoke execute on function metadata.refresh_statistics(text, text, bigint) from public;
