"""Metabase: what the description becomes there, and how it gets there by Metabase's HTTP API."""
