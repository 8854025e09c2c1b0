"""Clickstream sessions as people have them: they look around, look at products, click, and some of them buy."""

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# Of those who look at products, half click on one; of those, a fifth buys.
CLICK_SHARE = 0.5
PURCHASE_SHARE = 0.2
_SESSIONS_AT_ONCE = 40
_ENTRIES = ("/", "/sale", "/new", "/search")
_REFERRERS = ("direct", "mail", "search", "social")


@dataclass(frozen=True)
class Product:
    """What may be looked at and bought."""

    product_id: str
    price: float


def sessions(
    draw: random.Random, customers: Sequence[str], products: Sequence[Product], run: str
) -> Iterator[dict[str, Any]]:
    """Events without end, of some forty sessions at once; each is dated when it is taken. `run` is in `properties`."""
    active = [_session(draw, customers, products, run) for _ in range(_SESSIONS_AT_ONCE)]
    while True:
        number = draw.randrange(len(active))
        event = next(active[number], None)
        if event is None:
            active[number] = _session(draw, customers, products, run)
        else:
            yield event | {"timestamp": datetime.now(UTC).isoformat(timespec="microseconds")}


def _session(
    draw: random.Random, customers: Sequence[str], products: Sequence[Product], run: str
) -> Iterator[dict[str, Any]]:
    session_id = f"S-{draw.getrandbits(64):016x}"
    customer = draw.choice(customers)
    referrer = draw.choice(_REFERRERS)

    def event(kind: str, path: str, **more: Any) -> dict[str, Any]:
        return {
            "event_id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            "event_type": kind,
            "customer_id": customer,
            "session_id": session_id,
            **more,
            "properties": {"path": path, "referrer": referrer, "run": run},
        }

    yield event("page_view", draw.choice(_ENTRIES))
    looked_at = [draw.choice(products) for _ in range(draw.choice((0, 1, 1, 2, 2, 3, 5)))]
    for product in looked_at:
        yield event("page_view", f"/products/{product.product_id}", product_id=product.product_id)
    if not looked_at or draw.random() >= CLICK_SHARE:
        return
    chosen = looked_at[-1]
    yield event("click", f"/products/{chosen.product_id}#add", product_id=chosen.product_id)
    if draw.random() < PURCHASE_SHARE:
        amount = round(chosen.price * draw.choice((1, 1, 1, 2)), 2)
        yield event("purchase", "/checkout", product_id=chosen.product_id, amount=amount)


def malformed(draw: random.Random, event: dict[str, Any]) -> bytes:
    """A message that is no event, in one of the ways that happen."""
    ways = (
        json.dumps(event)[: draw.randrange(5, 40)].encode(),
        b"\xff\xfe\x00" + draw.randbytes(12),
        json.dumps({name: value for name, value in event.items() if name != "customer_id"}).encode(),
        json.dumps(event | {"event_type": "refund"}).encode(),
        json.dumps(event | {"timestamp": "yesterday"}).encode(),
        json.dumps(event | {"amount": "many"}).encode(),
        json.dumps([event]).encode(),
    )
    return draw.choice(ways)
