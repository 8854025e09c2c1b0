"""What LocalStack's plugin loader finds; each loads its implementation when LocalStack first needs it."""

import tempfile

from localstack.services.cloudformation.resource_provider import CloudFormationResourceProviderPlugin
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.plugins import Service, aws_provider


@aws_provider(api="s3", name="private")
def private_s3():
    """S3 as LocalStack has it, with its objects in this installation's own folder.

    LocalStack's default is one fixed folder below the system's temporary one, shared by all users of the machine.
    """
    from localstack.services.s3.provider import S3Provider
    from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore

    return Service.for_provider(S3Provider(EphemeralS3ObjectStore(tempfile.mkdtemp(prefix="s3-"))))


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
