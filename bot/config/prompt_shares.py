"""How the tokens of one prompt are shared out between what stands in it (pure)."""

from dataclasses import dataclass

#: The fixed rules with the schema of the answer, and the frame around the files.
RULES_TOKENS = 2700


@dataclass(frozen=True, slots=True)
class PromptBudget:
    """Tokens at most: lines of the change, context with the overview of the rest of the change,
    evidence of analyzers, what the author wrote of the change, the repository's instructions, and
    what was looked up; and findings that are checked, in place of the author's words and the
    instructions."""

    change: int
    context: int
    evidence: int
    pr_context: int
    instructions: int
    look_ups: int
    findings: int


def prompt_budget(context_tokens: int) -> PromptBudget:
    """The shares of a prompt of `context_tokens`; together with the rules they do not exceed it
    from three times RULES_TOKENS on. Smaller ones get a third of themselves for all of this."""
    available = max(context_tokens - RULES_TOKENS, context_tokens // 3)
    return PromptBudget(
        change=available * 46 // 100,
        context=available * 24 // 100,
        evidence=available * 6 // 100,
        pr_context=available * 6 // 100,
        instructions=available * 6 // 100,
        look_ups=available * 12 // 100,
        findings=available * 12 // 100,
    )
