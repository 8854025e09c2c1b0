"""What LocalStack's plugin loader finds; each loads its implementation when LocalStack first needs it."""

from localstack.services.cloudformation.resource_provider import CloudFormationResourceProviderPlugin
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class LocalExecutorPlugin(RuntimeExecutorPlugin):
    name = "local"

    def load(self, *_arguments, **_options):
        from c360_localstack.executor import LocalExecutor

        return LocalExecutor


class CustomResourcePlugin(CloudFormationResourceProviderPlugin):
    name = "AWS::CloudFormation::CustomResource"

    def __init__(self):
        self.factory = None

    def load(self, *_arguments, **_options):
        from c360_localstack.custom_resource import CustomResourceProvider

        self.factory = CustomResourceProvider
