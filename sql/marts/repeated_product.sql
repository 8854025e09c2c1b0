-- Products that an order in scope has on several lines, of which some have no number.
create temp table repeated_product on commit drop as
select p.order_hash_key, p.product_hash_key
from raw_vault.link_order_product as p
{of_touched_order}
group by p.order_hash_key, p.product_hash_key
having count(*) > 1 and bool_or(p.line_number is null)
