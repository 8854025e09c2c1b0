select 'sat_product_details' as satellite, hash_key, effective_at, hashdiff, cast(:loaded_at as timestamp) as loaded_at,
    object_id as record_source, row_number as record_row
from sequenced
where origin = 2 and not is_version
