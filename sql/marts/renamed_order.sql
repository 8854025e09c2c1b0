-- The orders of products that have changed their category.
create temp table renamed_order on commit drop as
select distinct l.order_hash_key
from replaced_product as r
join business_vault.mart_product_analytics as p using (product_id)
join raw_vault.hub_product as h using (product_id)
join raw_vault.link_order_product as l using (product_hash_key)
where p.category is distinct from r.category
