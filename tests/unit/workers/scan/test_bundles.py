"""What is read together: a change whole where it fits, else what hangs together."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Batch, BatchFile
from workers.scan.bundles import MAX_LINES, bundle, relations
from workers.scan.context.context import text_of
from workers.scan.file_parts import hunk_tokens


def part(path: str, *texts: str, start: int = 1) -> BatchFile:
    lines = tuple(Line(None, start + n, text) for n, text in enumerate(texts or ("x",)))
    hunk = Hunk(start, start, "", lines)
    changed = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=(hunk,))
    return BatchFile(file=changed, language="python", content=None)


def paths(batches: Sequence[Batch]) -> list[list[str]]:
    return [[each.file.path for each in batch.files] for batch in batches]


def hang_together(parts: Sequence[BatchFile]) -> dict[tuple[str, str], int]:
    texts = {
        each.file.path: text_of(
            each.file.path, "\n".join(line.text for line in each.file.hunks[0].lines)
        )
        for each in parts
    }
    return dict(relations([each.file for each in parts], texts, {}))


def test_what_fits_is_read_whole_however_many_files_it_has() -> None:
    parts = [part(f"pkg{number}/a.py") for number in range(30)]
    (batch,) = bundle(parts, 10_000, 5, {})
    assert batch.paths == tuple(sorted(each.file.path for each in parts))


def test_a_long_change_is_read_in_parts_though_its_tokens_fit() -> None:
    parts = [part(f"m{number}.py", *["x"] * (MAX_LINES // 2)) for number in range(3)]
    assert paths(bundle(parts, 1_000_000, 5, {})) == [["m0.py", "m1.py"], ["m2.py"]]


def test_no_change_is_no_batch() -> None:
    assert bundle([], 1000, 5, {}) == ()


def test_folders_stay_together() -> None:
    parts = [part(path) for path in ("b/1.py", "a/1.py", "b/2.py", "a/2.py", "c.py")]
    batches = bundle(parts, 70, 2, hang_together(parts))
    assert paths(batches) == [["c.py"], ["a/1.py", "a/2.py"], ["b/1.py", "b/2.py"]]
    assert [batch.number for batch in batches] == [0, 1, 2]


def test_a_definition_is_read_with_what_uses_it_before_its_folder() -> None:
    parts = [
        part("core/price.py", "def net_price(order):", "    return order.net"),
        part("core/size.py", "def box_size(order):", "    return order.box"),
        part("web/cart.py", "total = net_price(order)"),
        part("web/box.py", "box = box_size(order)"),
    ]
    assert paths(bundle(parts, 170, 2, hang_together(parts))) == [
        ["core/price.py", "web/cart.py"], ["core/size.py", "web/box.py"],
    ]  # fmt: skip


def test_a_name_that_every_file_uses_groups_nothing() -> None:
    users = [part(f"p{number}/u.py", "shared_name()") for number in range(12)]
    related = hang_together([part("core/a.py", "def shared_name():", "    pass"), *users])
    assert not related


def test_a_file_in_parts_is_named_by_its_last_batch_alone() -> None:
    parts = [
        part("a.py"), part("large.py", start=900), part("large.py"), part("large.py", start=500),
    ]  # fmt: skip
    batches = bundle(parts, 1000, 2, hang_together(parts))
    assert [batch.paths for batch in batches] == [("a.py",), (), ("large.py",)]
    assert [each.continued for batch in batches for each in batch.files] == [
        False, True, True, False,
    ]  # fmt: skip


def test_no_batch_holds_two_parts_of_a_file() -> None:
    """Of a large file parts may be left that fit together, as what lies between them is known."""
    parts = [part("large.py"), part("large.py", "y", start=900), part("other.py", "z")]
    batches = bundle(parts, 1000, 5, {})
    assert [[each.file.hunks for each in batch.files] for batch in batches] == [
        [parts[0].file.hunks], [parts[1].file.hunks, parts[2].file.hunks],
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(1, 40), st.integers(0, 3)),
        min_size=1,
        max_size=25,
    ),
    st.integers(40, 2000),
    st.integers(1, 6),
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("def")), st.integers(1, 9), max_size=9
    ),
)
def test_every_part_is_in_one_batch_and_bounds_hold(
    sizes: list[tuple[str, int, int]],
    budget: int,
    most: int,
    related: dict[tuple[str, str], int],
) -> None:
    parts = [
        part(name, *["x = 1"] * lines, start=1 + 100 * number)
        for number, (name, lines, _) in enumerate(sizes)
    ]
    batches = bundle(parts, budget, most, related)
    held = [each.file for batch in batches for each in batch.files]
    assert sorted(file.hunks[0].new_start for file in held) == [
        1 + 100 * number for number in range(len(parts))
    ]
    assert sorted(path for batch in batches for path in batch.paths) == sorted(
        {each.file.path for each in parts}
    )
    for batch in batches:
        tokens = sum(hunk_tokens(hunk) for each in batch.files for hunk in each.file.hunks)
        assert len(batch.files) == 1 or tokens <= budget
        assert len({each.file.path for each in batch.files}) == len(batch.files)
        assert len(batch.files) <= most or len(batches) == 1
