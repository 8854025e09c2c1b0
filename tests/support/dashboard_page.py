"""The dashboard's page, served over a loaded shop."""

from dataclasses import dataclass
from decimal import Decimal

import httpx

from tests.support.dashboard_shop import Shop


@dataclass(frozen=True)
class Dashboard:
    """The page over a loaded shop. `api` asks the API beside the browser; `database_url` is the administrator's."""

    shop: Shop
    api: httpx.Client
    database_url: str

    def address(self, query: str = "") -> str:
        """The page's address."""
        return f"{str(self.api.base_url).rstrip('/')}/dashboard{query}"

    def shared(self, **fields: object) -> dict[str, str]:
        """A new link to a view, locked unless `fields` say otherwise."""
        body = {"view": {"page": "overview", "filters": {}}, "expires_in_days": 1, "filters_locked": True} | fields
        link: dict[str, str] = self.api.post("/shares", json=body).raise_for_status().json()
        return link


def money(amount: Decimal) -> str:
    """An amount as the page shows it in full."""
    return f"${amount:,.2f}"
