"""Synthetic visitors' events, as Kafka and Lambda deliver them."""

import base64
import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

CUSTOMERS, PRODUCTS = 10_000, 1_000


def random_event() -> dict[str, Any]:
    kind = random.choice(("page_view", "page_view", "page_view", "click", "purchase"))
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": kind,
        "customer_id": f"C{random.randrange(CUSTOMERS):06}",
        "timestamp": (datetime.now(UTC) - timedelta(seconds=random.random() * 60)).isoformat(),
        "product_id": f"P{random.randrange(PRODUCTS):05}",
        "session_id": f"S-{random.getrandbits(64):016x}",
        "properties": {"path": "/products", "referrer": "search"},
        **({"amount": round(random.random() * 100, 2)} if kind == "purchase" else {}),
    }


def kafka_event(events: list[dict[str, Any]], partition: int = 0) -> dict[str, Any]:
    """The event that Lambda would hand to the function."""
    records = [
        {
            "topic": "bench",
            "partition": partition,
            "offset": offset,
            "timestamp": 0,
            "timestampType": "CREATE_TIME",
            "value": base64.b64encode(json.dumps(event).encode()).decode(),
            "headers": [],
        }
        for offset, event in enumerate(events)
    ]
    return {"eventSource": "aws:kafka", "bootstrapServers": "", "records": {f"bench-{partition}": records}}
