select `link_hash_key`, `order_hash_key`, `product_hash_key`, `line_number`, cast(:loaded_at as timestamp) as loaded_at, shiftright(place, 36) as record_source,
    place & 68719476735L as record_row, 1 as hash_version
from named
where not exists (select 1 from (select `link_hash_key` from lake.raw_vault.`link_order_product` where `link_hash_key` in (select `link_hash_key` from named)) as h where h.`link_hash_key` = named.`link_hash_key`)
