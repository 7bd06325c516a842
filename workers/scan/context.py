"""The context of each batch: read the relatives from the clone, cut, pack under the budget.

Priority, over all files of a batch: what encloses a hunk, imports, definitions of what
is called, callers, tests. A snippet that does not fit is left out, a smaller one
after it may still fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from bot.model import Batch, BatchFile, Snippet
from bot.syntax import language_of
from bot.tokens import count_tokens
from workers.scan.analyzers.model import Target
from workers.scan.clone import Clone, Entry
from workers.scan.outline import outline
from workers.scan.related import index, related
from workers.scan.snippets import Text, snippets

ROLES = ("enclosing", "imports", "definition", "caller", "test")

_MAX_RELATIVE_BYTES = 200_000
_MAX_RELATIVES = 200
_HEAD_COST = 12  # tokens for the path and line that stand over a snippet


async def relatives(
    clone: Clone, targets: Sequence[Target], tree: Sequence[Entry]
) -> dict[str, tuple[Text, ...]]:
    """For each target's path the other files that help, best first; one fetch in all."""
    known = index(tree)
    wanted = {target.path: related(target.path, _imports(target), known) for target in targets}
    by_rank = zip_longest(*wanted.values())  # the best of each file come before the next best
    paths = list(dict.fromkeys(path for rank in by_rank for path in rank if path))
    blobs = {path: known.blobs[path] for path in paths[:_MAX_RELATIVES]}
    await clone.fetch(blobs.values())
    sizes = await clone.sizes(blobs.values()) if blobs else {}
    small = {p: b for p, b in blobs.items() if sizes.get(b, 0) <= _MAX_RELATIVE_BYTES}
    contents = await clone.read(small.values())
    texts = {
        path: text_of(path, contents[blob].decode("utf-8", "replace"))
        for path, blob in small.items()
        if blob in contents
    }
    return {
        path: tuple(texts[other] for other in others if other in texts)
        for path, others in wanted.items()
    }


def text_of(path: str, text: str) -> Text:
    return Text(path, text, outline(language_of(path, text.partition("\n")[0]), text))


def with_context(
    batch: Batch, own: Mapping[str, Text], others: Mapping[str, tuple[Text, ...]], budget: int
) -> Batch:
    """The batch with snippets of at most `budget` tokens in all."""
    offered = [
        (ROLES.index(snippet.role), position, snippet)
        for position, part in enumerate(batch.files)
        for snippet in snippets(part.file, own[part.file.path], others.get(part.file.path, ()))
    ]
    chosen: list[list[Snippet]] = [[] for _ in batch.files]
    seen: set[Snippet] = set()
    for _, position, snippet in sorted(offered, key=lambda item: item[:2]):
        cost = count_tokens(snippet.text) + _HEAD_COST
        if cost <= budget and snippet not in seen:
            seen.add(snippet)
            chosen[position].append(snippet)
            budget -= cost
    files: list[BatchFile] = [
        replace(part, context=tuple(context))
        for part, context in zip(batch.files, chosen, strict=True)
    ]
    return replace(batch, files=tuple(files))


def _imports(target: Target) -> str:
    lines = target.text.split("\n")
    blocks = outline(target.language, target.text).imports
    return "\n".join("\n".join(lines[block.start - 1 : block.end]) for block in blocks)
