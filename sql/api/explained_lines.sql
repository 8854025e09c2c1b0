-- The order lines that figures count.
select
    'line' as kind,
    l.transaction_id,
    l.line_number,
    l.customer_id,
    l.product_id,
    l.order_date,
    l.order_day as day,
    extract(isodow from l.order_day)::bigint as weekday,
    l.order_hour as hour,
    l.order_status,
    l.country,
    l.state,
    l.category,
    l.quantity,
    l.total_amount,
    {counts}::numeric as counts,
    o.object_key as file,
    l.record_row as row,
    metadata.line_of(l.record_source, l.record_row) as line,
    o.run_id
from business_vault.sale_lines({filters}) as l
left join metadata.object_version as o on o.object_id = l.record_source
