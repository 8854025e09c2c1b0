select object_id as in_object, `order_hash_key` as group_key, coalesce(encode(cast(`line_number` as string), 'UTF-8'), `link_order_product_hash_key`) as line_key
from `hashed_transactions`
group by all
having count(*) > 1
