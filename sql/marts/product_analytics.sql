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
select
    h.product_id, d.product_name, d.category, d.price, d.cost, d.supplier,
    coalesce(s.total_sold, 0)::bigint as total_sold,
    coalesce(s.total_quantity, 0) as total_quantity,
    business_vault.amount(coalesce(s.revenue, 0)) as revenue,
    round(s.revenue / nullif(s.total_quantity, 0), 2) as avg_price,
    coalesce(status.is_deleted, false) as is_deleted,
    d.record_source as details_record_source, d.record_row as details_record_row,
    status.record_source as status_record_source, status.record_row as status_record_row
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
order by h.product_id
