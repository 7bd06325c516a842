"""How the tokens of one prompt are shared out between what stands in it (pure)."""

from dataclasses import dataclass

#: The fixed rules with the schema of the answer, and the frame around the files.
RULES_TOKENS = 1600


@dataclass(frozen=True, slots=True)
class Shares:
    """Tokens at most: lines of the change, context, evidence of analysers, what the author wrote
    of the change, the repository's instructions; and of findings that are verified."""

    change: int
    context: int
    evidence: int
    brief: int
    instructions: int
    findings: int


def shares(context_tokens: int) -> Shares:
    """The shares of a prompt of `context_tokens`; together with the rules they do not exceed it
    from three times RULES_TOKENS on. Smaller ones get a third of themselves for all of this."""
    room = max(context_tokens - RULES_TOKENS, context_tokens // 3)
    return Shares(
        change=room * 52 // 100,
        context=room * 26 // 100,
        evidence=room * 6 // 100,
        brief=room * 8 // 100,
        instructions=room * 8 // 100,
        findings=room * 16 // 100,  # in place of brief and instructions
    )
