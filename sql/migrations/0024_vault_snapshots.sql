-- Where the raw vault is Iceberg tables (docs/adr/0022-spark-appends-what-the-ledger-says.md), the ledger says which
-- snapshot of a table the last run has made: readers read that one, and the next run begins there.
create table metadata.vault_snapshot (
    vault_table text not null,
    snapshot_id bigint not null,
    run_id text not null references metadata.load_run,
    place bigint generated always as identity,
    recorded_at timestamptz not null default now(),
    primary key (vault_table, snapshot_id)
);

create index on metadata.vault_snapshot (run_id);

comment on table metadata.vault_snapshot is
'The Iceberg snapshots that runs have committed, in the order of their place; what stands in a table after the last one '
'of it belongs to a run that has not recorded it, and is taken back.';

create trigger only_of_active_run before insert on metadata.vault_snapshot
for each row execute function metadata.keep_to_active_run();
