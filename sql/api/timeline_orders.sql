-- One customer's orders, as entries of a timeline.
select
    order_date as at,
    'order' as kind,
    transaction_id as id,
    json_build_object(
        'transaction_id', transaction_id,
        'order_status', order_status,
        'lines', count(*),
        'total_amount', round(sum(total_amount), greatest(2, min_scale(sum(total_amount))))
    ) as data
from business_vault.vw_order_analytics
where customer_id = %(customer_id)s
group by transaction_id, order_date, order_status
