"""Who found it: one finding may have several sources, as `llm+ruff:F821` (pure)."""

from bot.domain.model import Finding

LLM = "llm"


def sources_of(finding: Finding) -> tuple[str, ...]:
    """`llm` first if it is among them, then the analysers' `tool:rule`."""
    return tuple(finding.source.split("+"))


def tools_of(finding: Finding) -> frozenset[str]:
    """Who found it, without the rules: `llm`, `ruff`, ..."""
    return frozenset(source.partition(":")[0] for source in sources_of(finding))


def joined(first: Finding, second: Finding) -> str:
    """The sources of both, `llm` before analysers, none twice."""
    both = dict.fromkeys((*sources_of(first), *sources_of(second)))
    return "+".join(sorted(both, key=lambda source: source != LLM))
