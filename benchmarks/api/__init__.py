"""The API: requests a second beside the plain way, and the queries of the dashboard's panels."""
