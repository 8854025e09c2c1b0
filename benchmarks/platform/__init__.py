"""The whole platform on LocalStack: the nightly load, and latency through API Gateway."""
