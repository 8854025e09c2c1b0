"""The plain way to serve customers, which the API is compared with: FastAPI response models over row dictionaries."""

import os
import queue
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from fastapi import FastAPI
from psycopg.rows import dict_row
from pydantic import BaseModel

CONNECTIONS = 8


class Customer(BaseModel):
    """A customer."""

    customer_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    state: str | None
    city: str | None
    customer_segment: str | None
    signup_date: date | None
    total_orders: int
    lifetime_value: Decimal
    avg_order_value: Decimal | None
    first_order_date: datetime | None
    last_order_date: datetime | None
    days_since_last_order: int | None
    orders_30_days: int
    orders_90_days: int
    orders_365_days: int
    revenue_30_days: Decimal
    revenue_90_days: Decimal
    revenue_365_days: Decimal
    favourite_category: str | None
    is_deleted: bool
    rfm_recency: int | None
    rfm_frequency: int | None
    rfm_monetary: int | None
    rfm_label: str | None


class Page(BaseModel):
    """A page of customers."""

    items: list[Customer]
    total: int
    next: str | None


_SELECT = f"select {', '.join(Customer.model_fields)} from business_vault.vw_customer_360"  # noqa: S608
_idle: "queue.LifoQueue[psycopg.Connection[dict[str, Any]]]" = queue.LifoQueue()
for _ in range(CONNECTIONS):
    _idle.put(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, row_factory=dict_row))
app = FastAPI()


def _rows(query: str, *values: object) -> list[dict[str, Any]]:
    connection = _idle.get()
    try:
        return connection.execute(query.encode(), values).fetchall()
    finally:
        _idle.put(connection)


@app.get("/customers", response_model=Page)
def list_customers(skip: int = 0, limit: int = 100) -> dict[str, Any]:
    """A page of customers."""
    [total] = _rows("select count(*) as count from business_vault.vw_customer_360")
    items = _rows(f"{_SELECT} order by customer_id limit %s offset %s", limit, skip)
    return {"items": items, "total": total["count"], "next": f"/customers?skip={skip + limit}"}


@app.get("/customers/{customer_id}", response_model=Customer)
def get_customer(customer_id: str) -> dict[str, Any]:
    """One customer."""
    [row] = _rows(f"{_SELECT} where customer_id = %s", customer_id)
    return row
