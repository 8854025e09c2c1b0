"""The tree of errors: what is worth another try is known by name, and a sentence carries its fields."""

import pytest

from functions.common import errors
from functions.common.errors import TRANSIENT_ERROR_NAMES, C360Error, DataError, TransientError, leaf_names

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, C360Error)]


def test_every_leaf_below_transient_error_is_listed_for_retry_and_nothing_else() -> None:
    leaves = {each.__name__ for each in ALL if issubclass(each, TransientError) and not each.__subclasses__()}
    assert leaves == {
        "DatabaseUnavailableError", "DatabaseConflictError", "LandingUnavailableError", "LakeUnavailableError",
        "AuditBucketUnavailableError",
    }  # fmt: skip
    assert set(TRANSIENT_ERROR_NAMES) == leaves


def test_a_branch_is_not_listed_since_step_functions_compares_names_not_classes() -> None:
    class BranchError(DataError):
        pass

    class LeafError(BranchError):
        pass

    names = leaf_names(BranchError)
    assert names == ("LeafError",)


def test_no_error_is_both_transient_and_a_fault_of_the_data() -> None:
    assert not [each for each in ALL if issubclass(each, TransientError) and issubclass(each, DataError)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_one_sentence_with_its_fields(error: type[C360Error]) -> None:
    raised = error("it went wrong", key="landing/a.csv", line=3, rule=None)
    assert str(raised) == "it went wrong (key=landing/a.csv, line=3)"
    assert raised.fields == {"key": "landing/a.csv", "line": 3}


def test_an_error_without_fields_is_its_sentence() -> None:
    assert str(C360Error("it went wrong")) == "it went wrong"
