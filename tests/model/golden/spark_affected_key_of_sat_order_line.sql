select `link_order_product_hash_key` as hash_key from `staged_transactions` where object_id in (select object_id from claimed)
