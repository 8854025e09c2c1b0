"""The code that runs in Lambda; it never imports local/, cli/ or infra/."""
