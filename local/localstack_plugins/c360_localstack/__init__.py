"""Two plugins for LocalStack: a Lambda executor that needs no Docker, and CloudFormation custom resources."""
