"""The states of the nightly load that stage: files as they are, or the parts of big ones, few or very many (ADR 26)."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_stepfunctions as sfn

from infra.constructs.load_tasks import ENDED_PROCESS_ERROR_NAMES, LoadTasks

HANDED_OVER = ("bucket", "file_count", "are_many_files", "files", "files_manifest")
"""What is to be staged: the items themselves, or, of very many, where they are (functions/load/plan/manifest.py)."""

MANY = ("SplitManyFiles", "StageManyFiles")
"""The Distributed Maps."""
_ANSWER = sfn.Result.from_number(1)
"""Of each child. What all answer together is one payload of Step Functions, 256 KiB, and the execution fails with more:
two bytes each leave room for 131,000 of them, an object's three for 87,000."""


@dataclass(frozen=True)
class StagingStates:
    """Makes them; `concurrency` files are staged at once."""

    tasks: LoadTasks
    concurrency: int

    def split_files(self) -> sfn.Map:
        """Find the parts of big files."""
        return sfn.Map(
            self.tasks.scope,
            "SplitFiles",
            items_path="$.plan.large",
            item_selector={"object_id.$": "$$.Map.Item.Value.object_id"},
            max_concurrency=self.concurrency,
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self.tasks.load_step("SplitFile", "split", {"object_id.$": "$.object_id"}))

    def split_many_files(self) -> sfn.DistributedMap:
        done = sfn.Pass(self.tasks.scope, "OneOfManySplit", result=_ANSWER)
        split = self.tasks.load_step(
            "SplitOneOfMany", "split", {"object_id.$": "$.object_id"}, context=self.tasks.child_context
        )
        return self._distributed_map("SplitManyFiles", "large", split.next(done), [])

    def list_parts(self) -> sfn.TaskStateBase:
        """List again what is to be staged."""
        return self.tasks.task(
            "ListParts",
            self.tasks.load,
            {"step": "parts", **self.tasks.step_context},
            result_selector={f"{field}.$": f"$.Payload.{field}" for field in HANDED_OVER},
            result_path="$.plan",
        )

    def stage_files(self) -> sfn.Map:
        """Each file, or part of one, that the state holds."""
        return sfn.Map(
            self.tasks.scope,
            "StageFiles",
            items_path="$.plan.files",
            item_selector={
                "object_id.$": "$$.Map.Item.Value.object_id",
                "part.$": "$$.Map.Item.Value.part",
            },
            max_concurrency=self.concurrency,
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._stage_file())

    def stage_many_files(self) -> sfn.DistributedMap:
        """Each that a manifest names."""
        return self._distributed_map("StageManyFiles", "files", self._stage_one_of_many(), ["part"])

    def _stage_file(self) -> sfn.IChainable:
        stage = self.tasks.load_step("StageFile", "stage", {"object_id.$": "$.object_id", "part.$": "$.part"})
        give_up = self.tasks.load_step("GiveFileUp", "give_up", {"object_id.$": "$.object_id"})
        return stage.add_catch(give_up, errors=[*ENDED_PROCESS_ERROR_NAMES], result_path=sfn.JsonPath.DISCARD)

    def _stage_one_of_many(self) -> sfn.IChainable:
        said = {"object_id.$": "$.object_id"}
        done = sfn.Pass(self.tasks.scope, "OneOfManyStaged", result=_ANSWER)
        stage = self.tasks.load_step(
            "StageOneOfMany", "stage", said | {"part.$": "$.part"}, context=self.tasks.child_context
        )
        give_up = self.tasks.load_step("GiveOneOfManyUp", "give_up", said, context=self.tasks.child_context)
        stage.add_catch(give_up.next(done), errors=[*ENDED_PROCESS_ERROR_NAMES], result_path=sfn.JsonPath.DISCARD)
        return stage.next(done)

    def _distributed_map(
        self, name: str, manifest: str, each: sfn.IChainable, more: Sequence[str]
    ) -> sfn.DistributedMap:
        """For each item of a manifest that a step has written to S3, a child execution with a history of its own.

        Standard ones: those of the express kind end after five minutes. One that fails fails the run, as in the other
        Map. The bucket's name comes with the state, and the permission to read manifests from us: CDK's own would be to
        read the whole bucket.
        """
        distributed = sfn.DistributedMap(
            self.tasks.scope,
            name,
            label=name,
            map_execution_type=sfn.StateMachineType.STANDARD,
            item_reader=sfn.S3JsonItemReader(
                bucket_name_path=sfn.JsonPath.string_at("$.plan.bucket"),
                key=sfn.JsonPath.string_at(f"$.plan.{manifest}_manifest"),
            ),
            item_selector={
                **self.tasks.step_context,
                **{f"{field}.$": f"$$.Map.Item.Value.{field}" for field in ("object_id", *more)},
            },
            max_concurrency=self.concurrency,
            result_path=sfn.JsonPath.DISCARD,
        )
        distributed.item_processor(each)
        return distributed
