"""Amazon QuickSight: what the description becomes there, in the words of CloudFormation's resources."""
