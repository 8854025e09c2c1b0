"""Dashboards: the built-in page (web/), and one description of it that BI tools are rendered from."""
