-- The products in scope: their details in force last, and how they have sold: what was sold before, and what the
-- touched orders have added and taken away.
with details as (
    {sat_product_details}
), status as (
    {sat_product_status}
), sales as (
    select product_id, sum(sold) as total_sold, sum(quantity) as total_quantity, sum(total_amount) as revenue
    from ({sales}) as change
    group by product_id
)
insert into business_vault.mart_product_analytics (
    product_id, product_name, category, price, cost, supplier, total_sold, total_quantity, revenue, avg_price,
    is_deleted, details_record_source, details_record_row, status_record_source, status_record_row
)
select
    h.product_id, d.product_name, d.category, d.price, d.cost, d.supplier, coalesce(s.total_sold, 0),
    coalesce(s.total_quantity, 0), business_vault.amount(coalesce(s.revenue, 0)),
    round(s.revenue / nullif(s.total_quantity, 0), 2),
    coalesce(status.is_deleted, false), d.record_source, d.record_row, status.record_source, status.record_row
from raw_vault.hub_product as h
{of_touched_product}
left join details as d on d.product_hash_key = h.product_hash_key
left join status on status.product_hash_key = h.product_hash_key
left join sales as s on s.product_id = h.product_id
where
    h.product_id is not null
    -- whoever only such files have named as do not count (any more, or yet), is not named
    and (
        h.record_source not in (select u.object_id from metadata.uncounted_object as u)
        or d.product_hash_key is not null
        or exists (
            select
            from raw_vault.link_order_product as l
            join raw_vault.sat_order_line as s on s.link_hash_key = l.link_hash_key
            where
                l.product_hash_key = h.product_hash_key
                and s.record_source not in (select u.object_id from metadata.uncounted_object as u)
        )
    )
order by h.product_id;
