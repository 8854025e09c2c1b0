select h.`object_id`, h.`row_number`, h.`transaction_id`, h.`customer_id`, h.`order_date`, h.`product_id`, h.`quantity`, h.`unit_price`, h.`total_amount`, h.`payment_method`, h.`order_status`, h.`line_number`, h.`customer_hash_key`, h.`product_hash_key`, h.`order_hash_key`, h.`link_customer_order_hash_key`, h.`sat_order_details_hashdiff`, h.`sat_order_line_hashdiff`,
    coalesce(r.`link_order_product_hash_key`, h.`link_order_product_hash_key`) as `link_order_product_hash_key`, coalesce(r.is_overruled, false) as is_overruled,
    coalesce(r.is_first, true) as is_first, coalesce(r.is_last, true) as is_last
from `hashed_transactions` as h
left join `repeated_transactions` as r on r.object_id = h.object_id and r.row_number = h.row_number
