-- The touched customers: their details in force last, and what they have ordered.
delete from business_vault.mart_customer_360 as mart
using touched_customer
join raw_vault.hub_customer as h using (customer_hash_key)
where mart.customer_id = h.customer_id;

with details as (
    select distinct on (s.customer_hash_key)
        s.customer_hash_key, s.first_name, s.last_name, s.email, s.phone, s.country, s.state, s.city,
        s.customer_segment, s.signup_date
    from raw_vault.sat_customer_details as s
    join touched_customer using (customer_hash_key)
    join metadata.object_position as p on p.object_id = s.record_source
    order by s.customer_hash_key, p.position desc, s.record_row desc
), touched as (
    select h.customer_hash_key, h.customer_id
    from touched_customer
    join raw_vault.hub_customer as h using (customer_hash_key)
    where h.customer_id is not null
), orders as (
    select
        m.customer_id,
        count(distinct m.transaction_id) as total_orders,
        sum(m.total_amount) as lifetime_value,
        min(m.order_date) as first_order_date,
        max(m.order_date) as last_order_date
    from business_vault.mart_order_line as m
    join touched using (customer_id)
    group by m.customer_id
)
insert into business_vault.mart_customer_360 (
    customer_id, first_name, last_name, email, phone, country, state, city, customer_segment, signup_date,
    total_orders, lifetime_value, avg_order_value, first_order_date, last_order_date
)
select
    touched.customer_id, d.first_name, d.last_name, d.email, d.phone, d.country, d.state, d.city,
    d.customer_segment, d.signup_date, coalesce(o.total_orders, 0), coalesce(o.lifetime_value, 0),
    round(o.lifetime_value / o.total_orders, 2), o.first_order_date, o.last_order_date
from touched
left join details as d using (customer_hash_key)
left join orders as o using (customer_id)
order by touched.customer_id;
