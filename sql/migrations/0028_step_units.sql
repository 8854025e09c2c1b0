-- A step that takes long is done in units, each a transaction: what a call has done, the next one does not do again.
create table metadata.step_unit (
    run_id text not null references metadata.load_run,
    step text not null,
    unit text not null,
    result jsonb not null,
    done_at timestamptz not null default now(),
    primary key (run_id, step, unit)
);

comment on table metadata.step_unit is
'Units that are done of steps that are not: the checks of a large load, the slices of an export. Gone once the step is.';

comment on column metadata.step_unit.result is 'What the end of the step needs to know of it; counts and keys of files.';
