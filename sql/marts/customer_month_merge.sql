on conflict (customer_id, month) do update
set
    orders = m.orders + excluded.orders,
    order_lines = m.order_lines + excluded.order_lines,
    revenue = business_vault.amount(m.revenue + excluded.revenue)
