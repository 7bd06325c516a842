"""The vocabulary of a review."""

from bot.domain.model import Requirement, RequirementStatus, joined_requirements


def test_a_requirement_is_as_done_as_any_part_of_the_change_shows() -> None:
    done, partly, unseen = RequirementStatus
    read = [
        Requirement(text="Greet in French", status=unseen),
        Requirement(text="Test it", status=partly, why="one case"),
        Requirement(text="Greet people in French", status=done, why="line 1"),
        Requirement(text="Test it.", status=unseen),
    ]
    assert joined_requirements(read) == (read[2], read[1])
