-- Which engine keeps the raw vault (docs/adr/0029-marts-from-a-serving-copy.md). A vault is loaded by one of them: the
-- other one does not know what was loaded.
create table metadata.vault_engine (
    is_only boolean primary key default true check (is_only),
    engine text not null check (engine in ('postgresql', 'spark')),
    since timestamptz not null default now()
);

comment on table metadata.vault_engine is
'The engine that loads the raw vault: PostgreSQL where there is no row. Spark notes itself with its first load of an '
'empty vault.';
