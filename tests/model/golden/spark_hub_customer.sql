select `customer_hash_key`, `customer_id`, cast(:loaded_at as timestamp) as loaded_at, shiftright(place, 36) as record_source,
    place & 68719476735L as record_row, 1 as hash_version
from named
where not exists (select 1 from lake.raw_vault.`hub_customer` as h where h.`customer_hash_key` = named.`customer_hash_key`)
