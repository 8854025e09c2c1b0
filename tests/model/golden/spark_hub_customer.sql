select `customer_hash_key`, `customer_id`, cast(:loaded_at as timestamp) as loaded_at, first.object_id as record_source,
    first.row_number as record_row, 1 as hash_version
from (
    select `customer_hash_key`, `customer_id`, min(struct(object_id, row_number)) as first
    from `staged_transactions`
    where object_id in (select object_id from claimed)
    group by all
) as named
where not exists (select 1 from lake.raw_vault.`hub_customer` as h where h.`customer_hash_key` = named.`customer_hash_key`)
