create schema staging;
create schema raw_vault;
create schema business_vault;
create schema if not exists metadata;

comment on schema staging is 'Rows of the files that a run is loading; empty between runs.';
comment on schema raw_vault is 'Hubs, links and satellites: every version of everything, insert-only.';
comment on schema business_vault is 'Marts, and the views that people and applications read.';
comment on schema metadata is 'What was loaded, when, from where, and what was wrong with it.';

create table metadata.load_run (
    run_id text primary key,
    execution_arn text not null,
    status text not null check (status in ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),
    started_at timestamptz not null,
    finished_at timestamptz,
    loaded_at timestamptz not null default now(),
    error text,
    cause text,
    redrive_count integer not null default 0,
    files_waiting bigint not null default 0
);

comment on column metadata.load_run.files_waiting is
'Files of the landing zone that were left to the next run, since one run takes only so many.';

comment on column metadata.load_run.loaded_at is 'The instant at which all that this run loads counts as known.';

create table metadata.object_version (
    object_id bigint generated always as identity primary key,
    bucket text not null,
    object_key text collate "C" not null,
    version_id text not null,
    etag text not null,
    size_bytes bigint not null,
    uploaded_at timestamptz not null,
    source text not null,
    is_snapshot boolean not null,
    effective_at timestamptz not null,
    content_sha256 bytea,
    status text not null check (status in ('PLANNED', 'STAGED', 'LOADED', 'REPEATED', 'REJECTED', 'WITHDRAWN')),
    reason text,
    run_id text not null references metadata.load_run,
    reasserts boolean not null default false,
    columns text [],
    unknown_columns text [] not null default '{}',
    measures jsonb not null default '{}',
    rows_read bigint,
    rows_loaded bigint,
    rows_unchanged bigint,
    rows_duplicate bigint,
    rows_quarantined bigint,
    unique (bucket, object_key, version_id, etag)
);

create index on metadata.object_version (run_id);

comment on column metadata.object_version.columns is 'The header of a file that is staged in parts.';
comment on column metadata.object_version.reasserts is
'Its content is there already at its instant, but other content came in between: it is loaded all the same.';
comment on column metadata.object_version.measures is
'For each measure of the source, its sum in the file, in quarantine, in staging and in the vault.';

-- the same content at the same effective instant is loaded once, whatever its name
create unique index object_version_content on metadata.object_version (source, is_snapshot, effective_at, content_sha256)
where status in ('STAGED', 'LOADED') and not reasserts;

create index on metadata.object_version (source, effective_at);

create view metadata.object_position as
select
    object_id,
    source,
    effective_at,
    row_number() over (partition by source order by effective_at, object_key, uploaded_at, object_id) as position
from metadata.object_version;

comment on view metadata.object_position is
'The order in which the versions of one key follow each other, whatever order their files were loaded in.';

create view metadata.overruled_repetition as
select mine.object_id
from metadata.object_version as mine
join metadata.object_version as other using (source, effective_at)
where other.status in ('PLANNED', 'STAGED', 'LOADED')
    and (other.is_snapshot, other.content_sha256) is distinct from (mine.is_snapshot, mine.content_sha256)
    and (other.object_key, other.uploaded_at, other.object_id) < (mine.object_key, mine.uploaded_at, mine.object_id)
    and exists (
        select
        from metadata.object_version as twin
        where twin.status in ('STAGED', 'LOADED')
            and (twin.source, twin.effective_at, twin.is_snapshot, twin.content_sha256)
            = (mine.source, mine.effective_at, mine.is_snapshot, mine.content_sha256)
            and (twin.object_key, twin.uploaded_at, twin.object_id)
            < (other.object_key, other.uploaded_at, other.object_id)
    )
    and not exists (
        select
        from metadata.object_version as twin
        where twin.status in ('STAGED', 'LOADED')
            and twin.object_id <> mine.object_id
            and (twin.source, twin.effective_at, twin.is_snapshot, twin.content_sha256)
            = (mine.source, mine.effective_at, mine.is_snapshot, mine.content_sha256)
            and (twin.object_key, twin.uploaded_at, twin.object_id)
            > (other.object_key, other.uploaded_at, other.object_id)
            and (twin.object_key, twin.uploaded_at, twin.object_id)
            < (mine.object_key, mine.uploaded_at, mine.object_id)
    );

comment on view metadata.overruled_repetition is
'Objects that say again what an earlier one said, after other content of that instant came in between: they count.';

create table metadata.vault_load (
    object_id bigint not null references metadata.object_version,
    vault_table text not null,
    run_id text not null references metadata.load_run,
    primary key (object_id, vault_table)
);

comment on table metadata.vault_load is 'Which objects are in which table of the raw vault: each is loaded there once.';

create table metadata.tracking_horizon (
    source text primary key,
    horizon timestamptz not null
);

comment on table metadata.tracking_horizon is
'Unchanged observations before this instant are forgotten, so older files of the source are refused.';

create table metadata.load_step (
    run_id text not null references metadata.load_run,
    step text not null,
    object_id bigint references metadata.object_version,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    rows bigint not null
);

create index on metadata.load_step (run_id);

create table metadata.quarantine (
    quarantine_id bigint generated always as identity primary key,
    object_id bigint not null references metadata.object_version,
    row_number bigint not null,
    line_number bigint not null,
    raw jsonb,
    raw_text text,
    reasons text [] not null,
    quarantined_at timestamptz not null default now(),
    replayed_by bigint references metadata.object_version
);

create index on metadata.quarantine (object_id);

comment on column metadata.quarantine.replayed_by is 'The object that brought the row again, corrected.';
comment on column metadata.quarantine.raw is 'The row by column name, where it could be split into columns.';
comment on column metadata.quarantine.raw_text is 'The line as it stands in the file, where it could not.';

create index on metadata.quarantine (replayed_by) where replayed_by is not null;

create table metadata.unknown_columns (
    object_id bigint not null references metadata.object_version,
    row_number bigint not null,
    content jsonb not null,
    primary key (object_id, row_number)
);

comment on table metadata.unknown_columns is 'Values of columns that the model does not know, by row of their file.';

create table metadata.quality_result (
    run_id text not null references metadata.load_run,
    stage text not null check (stage in ('staging', 'vault')),
    rule text not null,
    severity text not null check (severity in ('warn', 'error')),
    passed boolean not null,
    observed text not null,
    checked_at timestamptz not null default now(),
    primary key (run_id, stage, rule)
);

create table metadata.mart_publication (
    mart text primary key,
    run_id text not null references metadata.load_run,
    published_at timestamptz not null
);

-- Record tracking (Data Vault 2.0's XTS): what a source reported again without a change. Together with the satellites'
-- rows these are all observations, so that a late version that slips in before one of them gives the right answer after it.
create table raw_vault.record_tracking_satellite (
    satellite text not null,
    hash_key bytea not null,
    effective_at timestamptz not null,
    hashdiff bytea not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null
) partition by range (effective_at);

-- rows arrive by and large in the order of their instants
create index on raw_vault.record_tracking_satellite using brin (effective_at) with (pages_per_range = 32);
create index on raw_vault.record_tracking_satellite using brin (record_source) with (pages_per_range = 32);

create function raw_vault.open_tracking_month(instant timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    first_day timestamptz := date_trunc('month', instant, 'UTC');
    name text := 'record_tracking_' || to_char(first_day at time zone 'UTC', 'YYYY_MM');
begin
    if exists (select from pg_tables where schemaname = 'raw_vault' and tablename = name) then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('raw_vault'), hashtext('record_tracking_satellite'));
    if not exists (select from pg_tables where schemaname = 'raw_vault' and tablename = name) then
        execute format(
            'create table raw_vault.%I partition of raw_vault.record_tracking_satellite'
            ' for values from (%L) to (%L)', name, first_day, first_day + interval '1 month'
        );
    end if;
end
$$;

comment on function raw_vault.open_tracking_month is
'Makes the partition that holds this instant, where there is none. The loader may create no tables in the vault itself.';

create function raw_vault.forget_tracking(before timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog as $$
declare
    month record;
    forgotten integer := 0;
begin
    for month in
        select c.relname, to_date(right(c.relname, 7), 'YYYY_MM') as first_day
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
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
'Drops the months that end before this instant and notes for each source that had rows there how far it forgets.';

-- Building an index over a first load takes a fraction of the time of growing it row by row, the more so the larger both
-- are. All within the transaction that loads the table: it happens as a whole or not at all.
create table metadata.index_set_aside (
    vault_table text not null,
    definition text not null
);

create function raw_vault.set_indexes_aside(vault_table text) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
declare
    place regclass := format('raw_vault.%I', vault_table)::regclass;
    holds_rows boolean;
    made record;
begin
    begin
        -- never waits, so it is part of no deadlock
        execute format('lock table %s in access exclusive mode nowait', place);
    exception when lock_not_available then
        return false;
    end;
    -- the zero key, of no file, is a hub's first row
    execute format('select exists (select from %s where record_source <> 0)', place) into holds_rows;
    if holds_rows then
        return false;
    end if;
    for made in
        select
            i.indexrelid::regclass as name,
            c.conname,
            case when c.conname is null then pg_get_indexdef(i.indexrelid)
                else format('alter table %s add constraint %I %s', place, c.conname, pg_get_constraintdef(c.oid))
            end as definition
        from pg_index as i
        left join pg_constraint as c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
        where i.indrelid = place
    loop
        insert into metadata.index_set_aside values (vault_table, made.definition);
        if made.conname is null then
            execute format('drop index %s', made.name);
        else
            execute format('alter table %s drop constraint %I', place, made.conname);
        end if;
    end loop;
    return true;
end
$$;

comment on function raw_vault.set_indexes_aside is
'Drops the indexes of a vault table that holds nothing yet, if nobody is using it; tells whether it did.';

create function raw_vault.restore_indexes(vault_table text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    made record;
begin
    for made in
        delete from metadata.index_set_aside as a
        where a.vault_table = restore_indexes.vault_table
        returning a.definition
    loop
        execute made.definition;
    end loop;
end
$$;

comment on function raw_vault.restore_indexes is 'Makes again what set_indexes_aside has dropped in this transaction.';

revoke execute on function
raw_vault.open_tracking_month, raw_vault.forget_tracking, raw_vault.set_indexes_aside, raw_vault.restore_indexes
from public;
