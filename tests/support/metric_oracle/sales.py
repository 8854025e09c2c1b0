"""What was sold, of what, when and where."""

from datetime import date, timedelta

from tests.support.metric_oracle.shop import (
    ZERO,
    Figures,
    Filters,
    Line,
    Shop,
    allowed,
    change,
    grouped,
    last_first,
    ratio,
    rounded,
    sums,
)


def overview(shop: Shop, filters: Filters) -> Figures:
    """One object."""
    lines, known = shop.lines(filters), shop.known(filters)
    end = filters.until or shop.last_day
    without_since = Filters(None, *(getattr(filters, name) for name in list(vars(filters))[1:]))
    days = {age: end - timedelta(days=age) for age in (30, 60)}
    recent = [line for line in shop.lines(without_since) if days[30] < shop.day(line) <= end]
    before = [line for line in shop.lines(without_since) if days[60] < shop.day(line) <= days[30]]
    since = [row[9] or (row[13].astimezone(shop.zone).date() if row[13] else date.min) for row in known]
    by_end, by_before = (sum(day <= limit for day in since) for limit in (end, days[30]))
    revenue, recently, formerly = (sum((line[7] for line in each), ZERO) for each in (lines, recent, before))
    orders, orders_recent, orders_before = (len({line[0] for line in each}) for each in (lines, recent, before))
    value = recently / orders_recent if orders_recent else None
    value_before = formerly / orders_before if orders_before else None
    dates = [line[4] for line in lines]
    return {
        "customers": len(known),
        "customers_30_days_before": by_before,
        "customers_growth": change(by_end, by_before),
        "customers_with_orders": sum(row[10] > 0 for row in known),
        "products": sum(allowed(filters.category, row[2]) for row in shop.products.values()),
        "orders": orders,
        "order_lines": len(lines),
        "revenue": revenue,
        "avg_order_value": ratio(revenue, orders, 2),
        "anonymous_revenue": sum((line[7] for line in lines if line[2] is None), ZERO),
        "first_order_date": min(dates).isoformat() if dates else None,
        "last_order_date": max(dates).isoformat() if dates else None,
        "orders_30_days": orders_recent,
        "orders_30_days_before": orders_before,
        "orders_change": change(orders_recent, orders_before),
        "revenue_30_days": recently,
        "revenue_30_days_before": formerly,
        "revenue_change": change(recently, formerly),
        "avg_order_value_30_days": None if value is None else rounded(value, 2),
        "avg_order_value_30_days_before": None if value_before is None else rounded(value_before, 2),
        "avg_order_value_change": None if value is None or not value_before else change(value, value_before),
    }


def orders_by_status(shop: Shop, filters: Filters) -> Figures:
    """Most orders first."""
    groups = grouped(shop.lines(filters), lambda line: line[9])
    items = [{"order_status": status, "order_lines": len(lines)} | sums(lines) for status, lines in groups.items()]
    return sorted(items, key=lambda item: (-item["orders"], *last_first(item, "order_status")))


def revenue_by_day(shop: Shop, filters: Filters) -> Figures:
    """In the order of days."""
    begin = filters.since and filters.since - timedelta(days=6)
    wider = Filters(begin, *(getattr(filters, name) for name in list(vars(filters))[1:]))
    days = {day: sums(lines) for day, lines in grouped(shop.lines(wider), shop.day).items()}
    items = []
    for day in sorted(days):
        if filters.since is not None and day < filters.since:
            continue
        week = [day - timedelta(days=age) for age in range(7)]
        mean = rounded(sum((days[each]["revenue"] for each in week if each in days), ZERO) / 7, 2)
        shown = mean if day >= shop.first_day + timedelta(days=6) else None
        items.append({"day": day.isoformat(), "revenue_7_day_mean": shown} | days[day])
    return items


def revenue_by_state(shop: Shop, filters: Filters) -> Figures:
    """Most revenue first."""
    groups = grouped(shop.lines(filters), lambda line: shop.place(line)[:2])
    items = [{"country": place[0], "state": place[1]} | sums(lines) for place, lines in groups.items()]
    return sorted(
        items,
        key=lambda item: (-item["revenue"], *last_first(item, "country"), *last_first(item, "state")),
    )


def revenue_by_category(shop: Shop, filters: Filters) -> Figures:
    """Most revenue first."""
    sold = grouped(shop.lines(filters), lambda line: shop.products[line[3]][2])
    products = grouped(shop.products.values(), lambda row: row[2])
    items = [
        {
            "category": category,
            "products": len(rows),
            "order_lines": len(sold[category]),
            "quantity": sum(line[5] for line in sold[category]),
            "revenue": sum((line[7] for line in sold[category]), ZERO),
        }
        for category, rows in products.items()
        if allowed(filters.category, category)
    ]
    return sorted(items, key=lambda item: (-item["revenue"], *last_first(item, "category")))


def top_products(shop: Shop, filters: Filters) -> Figures:
    """The 20 of most revenue."""
    items = [
        {
            "product_id": product,
            "product_name": shop.products[product][1],
            "category": shop.products[product][2],
            "order_lines": len(lines),
            "quantity": sum(line[5] for line in lines),
            "revenue": sum((line[7] for line in lines), ZERO),
        }
        for product, lines in grouped(shop.lines(filters), lambda line: line[3]).items()
    ]
    return sorted(items, key=lambda item: (-item["revenue"], item["product_id"]))[:20]


def orders_by_hour(shop: Shop, filters: Filters) -> Figures:
    """By weekday and hour."""

    def when(line: Line) -> tuple[int, int]:
        local = line[4].astimezone(shop.zone)
        return local.isoweekday(), local.hour

    groups = grouped(shop.lines(filters), when)
    return [{"weekday": day, "hour": hour} | sums(groups[day, hour]) for day, hour in sorted(groups)]
