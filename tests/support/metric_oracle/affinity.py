"""What is bought together."""

from collections import defaultdict
from itertools import combinations

from tests.support.metric_oracle.shop import ZERO, Figures, Shop, grouped, ratio


def product_affinity(shop: Shop) -> Figures:
    """The 50 pairs of most customers."""
    sold = [row for row in shop.products.values() if row[6]]
    frequent = {row[0] for row in sorted(sold, key=lambda row: (-row[6], row[0]))[:100]}
    baskets = grouped((line for line in shop.all_lines if line[2] and line[3] in frequent), lambda line: line[2])
    buyers: dict[str, int] = defaultdict(int)
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for lines in baskets.values():
        basket = sorted({line[3] for line in lines})
        for product in basket:
            buyers[product] += 1
        for pair in combinations(basket, 2):
            pairs[pair] += 1
    everybody = sum(row[10] > 0 for row in shop.customers.values())
    items = [
        {
            "product_id": one,
            "product_name": shop.products[one][1],
            "other_product_id": other,
            "other_product_name": shop.products[other][1],
            "customers": count,
            "support": ratio(count, everybody, 6),
            "confidence": ratio(count, buyers[one]),
            "lift": ratio(count * everybody, buyers[one] * buyers[other]),
            "buyers": buyers[one],
            "customers_with_orders": everybody,
            "expected": ratio(buyers[one] * buyers[other], everybody),
        }
        for (one, other), count in pairs.items()
    ]
    items.sort(key=lambda item: (item["product_id"], item["other_product_id"]))
    return sorted(items, key=lambda item: (-item["customers"], -(item["lift"] or ZERO)))[:50]
