-- What a check measured beside what it says, so that later runs and dashboards can compare.
alter table metadata.quality_result
add column source text,
add column measured numeric,
add column threshold text;

comment on table metadata.quality_result is 'What each check of each run found; also of runs that it stopped.';
comment on column metadata.quality_result.measured is 'What the rule counts: rows, files or keys; of freshness, days.';
comment on column metadata.quality_result.threshold is 'The limit in force at that run, as the model writes it.';

-- the last results of one rule
create index on metadata.quality_result (rule, checked_at desc);

alter table metadata.load_run add column accept_deletions boolean not null default false;

comment on column metadata.load_run.accept_deletions is
'Somebody said that what the snapshots of this run leave out is to be marked deleted, however much it is.';
