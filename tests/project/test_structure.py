"""The code stays as easy to find one's way in as it was made."""

import pytest

from tests.project.structure import (
    MAX_CHAIN,
    MAX_EDGES_PER_1000_LINES,
    MAX_FUNCTION,
    MAX_FUNCTION_P90,
    MAX_MODULES,
    Structure,
    read_structure,
)


@pytest.fixture(scope="module")
def structure() -> Structure:
    return read_structure()


def test_no_folder_holds_more_modules_than_can_be_overlooked(structure: Structure) -> None:
    crowded = {
        folder: number
        for folder, number in structure.modules_by_folder.items()
        if number > MAX_MODULES
    }
    assert not crowded


def test_modules_know_few_others(structure: Structure) -> None:
    assert structure.edges_per_1000_lines <= MAX_EDGES_PER_1000_LINES


def test_imports_form_no_long_chain(structure: Structure) -> None:
    assert len(structure.longest_chain) <= MAX_CHAIN, " > ".join(structure.longest_chain)


def test_functions_stay_short(structure: Structure) -> None:
    lengths = structure.function_lines
    assert lengths[len(lengths) * 9 // 10] <= MAX_FUNCTION_P90
    assert lengths[-1] <= MAX_FUNCTION
