-- What the marts hold of the keys in scope, beside what it was made of: each pair must be the same to the last digit.
-- The versions in force are found another way than the marts find them: the versions of each line are put in order.
with placed as (
    select s.quantity, s.total_amount, s.link_hash_key,
        lead(s.record_row) over (
            partition by s.link_hash_key order by o.place, s.record_row
        ) is null as is_last
    from raw_vault.sat_order_line as s
    {touched_line}
    join (
        select o.object_id, row_number() over (order by o.effective_at, o.object_key, o.uploaded_at, o.object_id) as place
        from metadata.object_version as o
    ) as o on o.object_id = s.record_source
    where s.record_source not in (select u.object_id from metadata.uncounted_object as u)
), status as (
    select s.link_hash_key, s.is_deleted, row(s.effective_at, s.loaded_at) as place
    from raw_vault.sat_order_line_status as s
    {touched_line}
    where s.effective_at <= (select i.in_force_at from metadata.mart_instant as i)
), vault as (
    select count(*) as lines, coalesce(sum(quantity), 0) as quantity, coalesce(sum(total_amount), 0) as total_amount
    from placed
    where
        is_last
        and not exists (
            select from status
            where
                status.link_hash_key = placed.link_hash_key and status.is_deleted
                and not exists (
                    select from status as later
                    where later.link_hash_key = status.link_hash_key and later.place > status.place
                )
        )
), line as (
    select count(*) as lines, coalesce(sum(m.quantity), 0) as quantity, coalesce(sum(m.total_amount), 0) as total_amount
    from business_vault.mart_order_line as m
    {lines_of_touched_order}
), bought as (
    select coalesce(sum(m.total_amount), 0) as total_amount
    from business_vault.mart_order_line as m
    {bought_by_touched_customer}
    where m.customer_id is not null
), customer as (
    select coalesce(sum(m.lifetime_value), 0) as total_amount
    from business_vault.mart_customer_360 as m
    {bought_by_touched_customer}
), sold as (
    select coalesce(sum(m.quantity), 0) as quantity, coalesce(sum(m.total_amount), 0) as total_amount
    from business_vault.mart_order_line as m
    {sold_of_touched_product}
), product as (
    select coalesce(sum(m.total_quantity), 0) as quantity, coalesce(sum(m.revenue), 0) as total_amount
    from business_vault.mart_product_analytics as m
    {sold_of_touched_product}
)
select compared.rule, compared.made_of, compared.in_mart
from vault, line, bought, customer, sold, product, lateral (
    values
    ('vw_order_analytics.lines', vault.lines, line.lines),
    ('vw_order_analytics.quantity', vault.quantity, line.quantity),
    ('vw_order_analytics.total_amount', vault.total_amount, line.total_amount),
    ('vw_customer_360.lifetime_value', bought.total_amount, customer.total_amount),
    ('vw_product_analytics.total_quantity', sold.quantity, product.quantity),
    ('vw_product_analytics.revenue', sold.total_amount, product.total_amount)
) as compared (rule, made_of, in_mart)
