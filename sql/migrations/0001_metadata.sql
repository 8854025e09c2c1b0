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
    cause text
);

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
    status text not null check (status in ('PLANNED', 'STAGED', 'LOADED', 'REPEATED', 'REJECTED')),
    reason text,
    run_id text not null references metadata.load_run,
    rows_read bigint,
    rows_loaded bigint,
    rows_unchanged bigint,
    rows_duplicate bigint,
    rows_quarantined bigint,
    unique (bucket, object_key, version_id, etag)
);

create index on metadata.object_version (run_id);

-- the same content at the same effective instant is loaded once, whatever its name
create unique index object_version_content on metadata.object_version (source, is_snapshot, effective_at, content_sha256)
where status in ('STAGED', 'LOADED');

create view metadata.object_position as
select
    object_id,
    effective_at,
    row_number() over (order by effective_at, object_key, uploaded_at, object_id) as position
from metadata.object_version;

comment on view metadata.object_position is
'The order in which the versions of one key follow each other, whatever order their files were loaded in.';

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
    raw jsonb not null,
    reasons text [] not null,
    quarantined_at timestamptz not null default now()
);

create index on metadata.quarantine (object_id);

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
