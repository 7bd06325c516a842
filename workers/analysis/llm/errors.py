"""What can go wrong with a language model, named by how to react.

Each message is a sentence for people: it stands in the review's notes.
"""

from bot.domain.model import Usage


class LLMError(Exception):
    """Raised when a model gave no usable answer; `usage` is what the attempts cost."""

    usage = Usage()


class TransientLLMError(LLMError):
    """Raised when a later try may well succeed; `retry_after` is in seconds, if known."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentLLMError(LLMError):
    """Raised when asking the same model again would give the same."""


class LLMAccessError(PermanentLLMError):
    """Raised when the endpoint refuses our key: no model of it needs to be tried."""


class ServerFailedError(TransientLLMError):
    """Raised for a 500: a fault of the server, or a form of the answer that it cannot give."""


class StalledError(TransientLLMError):
    """Raised when nothing more comes of an answer that had begun."""


class BrokenStreamError(TransientLLMError):
    """Raised when a stream ended before the answer in it did."""


class RefusedError(PermanentLLMError):
    """Raised when the model declines to answer."""


class TooLongError(PermanentLLMError):
    """Raised when the prompt is longer than the model reads: ask for less at once."""


class UnreadableAnswerError(PermanentLLMError):
    """Raised when neither the answer nor its repair was what was asked for."""


class CutOffError(UnreadableAnswerError):
    """Raised when an answer reached its limit before anything in it was complete, also with a
    larger one: ask for less at once."""


class BudgetError(PermanentLLMError):
    """Raised before a call that would exceed a budget; no other model is tried."""


class ThrottledError(TransientLLMError):
    """Raised when the endpoint asks us to slow down."""


class NotUnderstoodError(LLMError):
    """Raised when the endpoint refuses the request itself; `text` is what it says, and
    `meaning` the error to raise if no other dialect is left."""

    def __init__(self, text: str, meaning: PermanentLLMError) -> None:
        super().__init__(str(meaning))
        self.text = text
        self.meaning = meaning
