-- Lines without a number, of which their order has several of the same product: each has its count among those in force.
create temp table line_number on commit drop as
with line as (
    {sat_order_line}
), status as (
    {sat_order_line_status}
)
select
    p.link_hash_key,
    coalesce(
        p.line_number,
        coalesce(max(p.line_number) over (partition by p.order_hash_key, p.product_hash_key), 0) + row_number() over (
            partition by p.order_hash_key, p.product_hash_key, p.line_number is null
            order by line.quantity, line.unit_price, line.total_amount, p.link_hash_key
        )
    ) as line_number
from repeated_product as r
join raw_vault.link_order_product as p on p.order_hash_key = r.order_hash_key and p.product_hash_key = r.product_hash_key
join line on line.link_hash_key = p.link_hash_key
left join status on status.link_hash_key = p.link_hash_key
where status.is_deleted is not true
