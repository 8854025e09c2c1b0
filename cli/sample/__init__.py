"""Deterministic sample data: the three CSV sources at any size, in constant memory."""

from cli.sample.files import GeneratedFile, Sample, generate, read_manifest
from cli.sample.shape import SampleShape

__all__ = ["SampleShape", "generate", "Sample", "GeneratedFile", "read_manifest"]
