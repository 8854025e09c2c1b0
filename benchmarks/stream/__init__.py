"""The clickstream: latency from event to API, the handler alone, and broken parts."""
