-- Order lines are sorted by their amount too, and customers found by the month of their first order.
create or replace function business_vault.index_for_readers() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- not `if not exists`, which would wait for who is loading the vault before it looks
    if to_regclass('business_vault.mart_product_analytics_words') is null then
        create unique index hub_order_transaction_id on raw_vault.hub_order (transaction_id);
        create index link_customer_order_customer on raw_vault.link_customer_order (customer_hash_key);
        create index link_order_product_product on raw_vault.link_order_product (product_hash_key);
        create index mart_order_line_customer on business_vault.mart_order_line (customer_id, order_date desc);

        create index mart_order_line_date on business_vault.mart_order_line (order_date);
        create index mart_order_line_product on business_vault.mart_order_line (product_id, order_date);
        create index mart_order_line_status on business_vault.mart_order_line (order_status, order_date);

        create index mart_customer_360_segment
        on business_vault.mart_customer_360 (customer_segment, customer_id);
        create index mart_customer_360_country on business_vault.mart_customer_360 (country, customer_id);
        create index mart_customer_360_state on business_vault.mart_customer_360 (state, customer_id);
        create index mart_customer_360_email on business_vault.mart_customer_360 (lower(email));
        create index mart_customer_360_value on business_vault.mart_customer_360 (lifetime_value, customer_id);
        create index mart_customer_360_orders on business_vault.mart_customer_360 (total_orders, customer_id);
        create index mart_customer_360_last_order
        on business_vault.mart_customer_360 (coalesce(last_order_date, '-infinity'), customer_id);
        create index mart_customer_360_signup
        on business_vault.mart_customer_360 (coalesce(signup_date, '-infinity'), customer_id);
        create index mart_customer_360_words
        on business_vault.mart_customer_360
        using gin (
            lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))
            public.gin_trgm_ops
        );

        create index mart_product_analytics_category
        on business_vault.mart_product_analytics (category, product_id);
        create index mart_product_analytics_revenue
        on business_vault.mart_product_analytics (revenue, product_id);
        create index mart_product_analytics_quantity
        on business_vault.mart_product_analytics (total_quantity, product_id);
        create index mart_product_analytics_words
        on business_vault.mart_product_analytics using gin (lower(product_name) public.gin_trgm_ops);
    end if;
    if to_regclass('business_vault.mart_order_line_amount') is null then
        create index mart_order_line_amount on business_vault.mart_order_line (total_amount);
        create index mart_customer_360_first_order
        on business_vault.mart_customer_360 (first_order_date);
    end if;
end
$$;
