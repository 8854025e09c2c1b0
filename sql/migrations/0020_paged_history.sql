-- The rows of order_analytics_as_of, asked for order by order: who pages through all of them, by the orders' numbers, is
-- served by the index of these. The function alone numbers the lines of all orders before it returns the first; it is
-- for one order's, one customer's or one product's lines.
create function business_vault.order_analytics_in_order_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    transaction_id text, line_number bigint, customer_id text, product_id text, order_date timestamptz,
    quantity bigint, unit_price numeric, total_amount numeric, payment_method text, order_status text
)
language sql stable
as $$
    select
        h.transaction_id, l.line_number, l.customer_id, l.product_id, l.order_date,
        l.quantity, l.unit_price, l.total_amount, l.payment_method, l.order_status
    from raw_vault.hub_order as h
    cross join lateral (
        select a.*
        from business_vault.order_analytics_as_of($1, $2) as a
        where a.transaction_id = h.transaction_id
        offset 0 -- otherwise it is a join again
    ) as l
$$;

comment on function business_vault.order_analytics_in_order_as_of is
'The rows of order_analytics_as_of, for pages sorted by transaction_id.';

-- The API's costly requests, of all its processes together: one for each row. A row's lock, which nobody else can take,
-- ends with its transaction, however that ends.
create table metadata.costly_slot (slot smallint primary key);

insert into metadata.costly_slot values (1);

comment on table metadata.costly_slot is
'As many rows as costly requests of the API (lists as of an instant, explanations, deep pages) may run at once. '
'One leaves half of the smallest instance to all others.';

create function metadata.take_costly_slot() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
begin
    perform from metadata.costly_slot as s order by s.slot for update skip locked limit 1;
    if found then
        return true;
    end if;
    perform from metadata.costly_slot as s
    where s.slot = (select any_one.slot from metadata.costly_slot as any_one order by random() limit 1)
    for update;
    return found;
exception when lock_not_available then
    return false;
end
$$;
comment on function metadata.take_costly_slot is
'Takes a slot until the transaction ends, waiting for up to a second; tells whether it did.';
revoke execute on function metadata.take_costly_slot() from public;
