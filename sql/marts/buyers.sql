-- A product that has changed its category may change the favourite category of all who ever bought it: the customers of
-- the orders in the temporary table renamed_order.
insert into touched_customer (customer_hash_key, customer_id)
select distinct h.customer_hash_key, h.customer_id
from renamed_order as t
{owners}
join raw_vault.hub_customer as h on h.customer_hash_key = owner.customer_hash_key
where
    h.customer_id is not null
    and not exists (select from touched_customer as c where c.customer_hash_key = h.customer_hash_key);
