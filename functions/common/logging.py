"""Structured JSON logs; a line never holds a name, an e-mail address or a phone number."""

from aws_lambda_powertools import Logger

logger = Logger()
"""Service name and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
