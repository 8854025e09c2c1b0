-- Objects that are left alone are named, and what S3 does not hand out is that object's problem alone.
alter table metadata.load_run
add column ignored jsonb not null default '[]',
add column ignored_count bigint not null default 0;

comment on column metadata.load_run.ignored is
'Objects below landing/ that are no files of a source: key, reason, and the nearest right key. The first of ignored_count.';

alter table metadata.object_version
drop constraint object_version_status_check,
add constraint object_version_status_check check (
    status in ('PLANNED', 'STAGED', 'LOADED', 'REPEATED', 'REJECTED', 'WITHDRAWN', 'UNREADABLE')
),
add column attempts integer not null default 0,
add column rows_omitted bigint not null default 0,
add column header text [] not null default '{}',
add column renamed_columns text [] not null default '{}';

comment on column metadata.object_version.attempts is
'How many runs could not read the object; after a few it is read again only when a run names it.';
comment on column metadata.object_version.rows_omitted is
'Of very many rejected rows, those that are counted and not kept in quarantine.';
comment on column metadata.object_version.header is 'The source''s columns that the file has, and those that it adds.';
comment on column metadata.object_version.renamed_columns is 'Names that the file writes otherwise than the source.';

alter table metadata.object_part add column rows_omitted bigint not null default 0;

create table metadata.filled_column (
    source text not null,
    column_name text not null,
    filled_since timestamptz not null,
    primary key (source, column_name)
);

comment on table metadata.filled_column is
'Since which effective instant files of a source have filled a column: a later file that lacks it is refused.';
