"""Every published figure, reproducible by one command."""
