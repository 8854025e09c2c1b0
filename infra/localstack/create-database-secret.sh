#!/bin/sh
# Run by LocalStack's container when it is ready: PostgreSQL's administrator as the CDK app expects it
# (context database_secret).
set -eu
awslocal secretsmanager create-secret --name c360/database/admin \
  --secret-string "{\"username\": \"c360_admin\", \"password\": \"$C360_POSTGRES_PASSWORD\"}"
