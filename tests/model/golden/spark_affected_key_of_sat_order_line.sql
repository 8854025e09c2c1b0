select `link_order_product_hash_key` as hash_key from `staged_transactions`
