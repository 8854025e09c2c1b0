-- The boundaries of the RFM scores, over all customers who have ordered and are not deleted.
update business_vault.mart_anchor
set
    (recency, frequency, monetary) = (
        select
            percentile_disc(array[0.2, 0.4, 0.6, 0.8]) within group (order by last_order_date),
            percentile_disc(array[0.2, 0.4, 0.6, 0.8]) within group (order by total_orders),
            percentile_disc(array[0.2, 0.4, 0.6, 0.8]) within group (order by lifetime_value)
        from business_vault.mart_customer_360
        where total_orders > 0 and not is_deleted
    );
