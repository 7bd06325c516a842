"""Inputs near to real ones: a seed, cut, repeated, spliced and salted with what parsers trip on."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

#: What has broken parsers before.
SALT = (
    "\0", "\r", "\n", "\r\n", "\t", "\x1b", "\u2028", "\u202e", "\ufeff", "\ud800", "\U000e0041",
    "`", "```", "~~~", "<!--", "-->", "<", "&#64;", "\\", '"', "'", "[", "]", "{", "}", "(", "*",
    "_", "|", "@", "#1", "-", "+", "0", "-1", "1e999", "9" * 5000, "NaN", "null", "[]", "{}",
    "true", " " * 200, "a" * 300, "[" * 300, ">" * 100, "&a [*a]", "!!python/object:x ", "%",
)  # fmt: skip


def _edited(text: str, edits: list[tuple[int, float, float, str]]) -> str:
    for kind, start, share, salt in edits:
        at = int(start * len(text))
        end = min(len(text), at + int(share * 40))
        match kind:
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:end] + text[at:]
            case 2:
                text = text[:at] + salt + text[at:]
            case 3:
                text = text[:at] + salt + text[end:]
            case 4:
                text = text[at:] + text[:at]
            case _:
                text = text[:at]
    return text


_PLACE = st.floats(0, 1)


def texts(seeds: Sequence[str], salt: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Texts made of the seeds by a few edits each; now and then anything at all."""
    edit = st.tuples(st.integers(0, 5), _PLACE, _PLACE, st.sampled_from([*SALT, *salt]))
    near = st.builds(_edited, st.sampled_from(list(seeds)), st.lists(edit, max_size=8))
    return st.one_of(near, near, st.text(max_size=300))


def octets(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """The same for bytes."""
    near = texts([seed.decode("latin-1") for seed in seeds], ("\xff", "\x80", "\0\0"))
    return near.map(lambda text: text.encode("latin-1", "replace"))


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def _changed(value: Any, route: list[int], replacement: Any) -> Any:
    """`value` with what stands at the end of the route put aside for something else."""
    if not route or not isinstance(value, dict | list) or not value:
        return replacement
    if isinstance(value, list):
        at = route[0] % len(value)
        return [_changed(v, route[1:], replacement) if i == at else v for i, v in enumerate(value)]
    name = sorted(value)[route[0] % len(value)]
    return {k: _changed(v, route[1:], replacement) if k == name else v for k, v in value.items()}


def documents(seeds: Sequence[Any]) -> st.SearchStrategy[Any]:
    """JSON values that differ from a seed in one place."""
    route = st.lists(st.integers(0, 50), max_size=6)
    return st.one_of(st.builds(_changed, st.sampled_from(list(seeds)), route, _JSON), _JSON)
