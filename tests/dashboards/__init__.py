"""Tests of what BI tools are given."""
