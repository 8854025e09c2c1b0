select `link_order_product_hash_key` as `link_hash_key`, `order_hash_key`, `product_hash_key`, `line_number`, shiftleft(object_id, 36) + row_number as place
from `staged_transactions`
where is_first
