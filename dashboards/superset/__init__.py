"""Apache Superset: what the description becomes there, in the form that Superset imports."""
