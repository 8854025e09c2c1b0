on conflict (order_day, order_hour, order_status) do update
set
    orders = m.orders + excluded.orders,
    order_lines = m.order_lines + excluded.order_lines,
    quantity = m.quantity + excluded.quantity,
    revenue = business_vault.amount(m.revenue + excluded.revenue),
    anonymous_revenue = business_vault.amount(m.anonymous_revenue + excluded.anonymous_revenue)
