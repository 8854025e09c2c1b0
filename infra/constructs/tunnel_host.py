"""A small host in the database's network, through which people forward a port by SSM (`-c database_access=tunnel`)."""

from typing import cast

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.nag import accept
from infra.constructs.network import DatabaseNetwork, Services, let_in
from infra.outputs import FORWARDING


class TunnelHost(Construct):
    """It holds no password and no right on the database, and nothing can connect to it: its agent calls SSM.

    Who forwards a port through it signs in to PostgreSQL by their own IAM token.
    """

    def __init__(self, scope: Construct, construct_id: str, place: DatabaseNetwork) -> None:
        super().__init__(scope, construct_id)
        group = place.group(self, "Group", "The host that people reach the database through")
        services: Services = {
            "SSM": ec2.InterfaceVpcEndpointAwsService.SSM,
            "SSM messages": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
        }
        place.reach(self, group, "Endpoints", services)
        let_in(self, "TunnelToDatabase", group, cast(ec2.ISecurityGroup, place.database))
        instance = ec2.Instance(
            self,
            "Host",
            vpc=place.vpc,
            vpc_subnets=place.one_subnet,
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.NANO),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
            security_group=group,
            require_imdsv2=True,
            ssm_session_permissions=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(8, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
                )
            ],
        )
        # the subnet says it; of one that exists we do not know it
        cast(CfnResource, instance.instance).add_property_deletion_override("AvailabilityZone")
        accept(
            instance,
            {
                "EC28": "Five-minute metrics are enough for a host that only forwards a port.",
                "EC29": "It holds nothing: a new one takes its place at any time.",
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]": (
                    "What SSM's agent needs is made by AWS, and changes with the agent."
                ),
            },
        )
        self.instance_id = instance.instance_id

    def grant_forwarding(self, person: iam.IGrantable) -> None:
        """Let them forward ports through the host, and end their own sessions, no others."""
        stack = Stack.of(self)
        ours = f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:instance/{self.instance_id}"
        document = f"arn:{stack.partition}:ssm:{stack.region}::document/{FORWARDING}"
        sessions = f"arn:{stack.partition}:ssm:*:{stack.account}:session/${{aws:userid}}-*"
        for actions, resources in (
            (["ssm:StartSession"], [ours, document]),
            (["ssm:ResumeSession", "ssm:TerminateSession"], [sessions]),
        ):
            person.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=resources))
