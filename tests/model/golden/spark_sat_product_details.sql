select hash_key as `product_hash_key`, effective_at, hashdiff as hashdiff, `product_name`, `category`, `price`, `cost`, `supplier`, cast(:loaded_at as timestamp) as loaded_at,
    object_id as record_source, row_number as record_row, 1 as hash_version
from sequenced
where origin = 2 and is_version
