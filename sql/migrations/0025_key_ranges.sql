-- A table's load that takes long goes by ranges of hash keys, each a transaction: up to which key an object has come.
alter table metadata.vault_load
add column loaded_below integer check (loaded_below between 0 and 65535),
add column batches integer not null default 0;
comment on column metadata.vault_load.loaded_below is
'The table holds of the object the keys whose first two bytes, as a number, are less; null: all of them.';

comment on column metadata.vault_load.batches is 'In so many transactions the table has come so far with the object.';

alter table metadata.vault_retraction
add column loaded_below integer check (loaded_below between 0 and 65535),
add column batches integer not null default 0;
comment on column metadata.vault_retraction.loaded_below is
'The object counts no longer in the history of keys whose first two bytes, as a number, are less; null: of all.';
create index on metadata.vault_retraction (vault_table) where loaded_below is not null;

create function metadata.keep_loaded() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if metadata.is_owner(tg_relid) then
        return new;
    end if;
    if old.loaded_below is null or new.loaded_below <= old.loaded_below then
        raise exception 'what a table has loaded stays loaded' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger loaded_stays before update on metadata.vault_load
for each row execute function metadata.keep_loaded();
create trigger loaded_stays before update on metadata.vault_retraction
for each row execute function metadata.keep_loaded();
