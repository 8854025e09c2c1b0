select `customer_hash_key` as `customer_hash_key`, `customer_id`, min(shiftleft(object_id, 36) + row_number) as place
from `staged_transactions`
group by all
