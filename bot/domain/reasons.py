"""Why a file is not reviewed, and why a finding is dropped (pure).

The code asks for the reason; `text` beside it is for people, in English, with `{}` where a detail
belongs.
"""

from enum import StrEnum
from typing import Self


class _Reason(StrEnum):
    """An enum of strings, each with a text; a member without one fails at import."""

    text: str

    def __new__(cls, value: str, text: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member


class FileSkipReason(_Reason):
    """Why a changed file, or a part of one, is not reviewed."""

    SUBMODULE = "submodule", "submodule"
    SYMBOLIC_LINK = "symbolic_link", "symbolic link"
    NOT_INCLUDED = "not_included", "not in the configured `paths.include`"
    EXCLUDED = "excluded", "excluded by this repository's configuration"
    UNPRINTABLE_PATH = "unprintable_path", "unprintable characters in its name"
    PATH_NOT_UTF8 = "path_not_utf8", "its name is not UTF-8"
    LONG_PATH = "long_path", "path too long"
    LOCK_FILE = "lock_file", "lock file"
    BINARY = "binary", "binary file"
    MINIFIED = "minified", "minified"
    GENERATED = "generated", "generated"
    VENDORED = "vendored", "vendored"
    UNDECIDED = (
        "undecided",
        "not matched against this repository's path patterns, which take too long to evaluate",
    )
    MARKED_GENERATED = "marked_generated", "marked as generated in .gitattributes"
    MARKED_VENDORED = "marked_vendored", "marked as vendored in .gitattributes"
    SAYS_GENERATED = "says_generated", "generated (according to its first lines)"
    LONG_LINES = "long_lines", "minified or data (very long lines)"
    DELETED = "deleted", "deleted"
    RENAMED = "renamed", "renamed only"
    UNCHANGED = "unchanged", "no changed lines"
    LINE_ENDS = "line_ends", "only line endings changed"
    TOO_LARGE = "too_large", "larger than {}"
    WAS_TOO_LARGE = "was_too_large", "was larger than {} before"
    LFS_POINTER = "lfs_pointer", "kept in Git LFS"
    FILE_LIMIT = "file_limit", "over the {}-file limit (riskier files first)"
    LINE_LIMIT = "line_limit", "over the limit of {} changed lines"
    CANDIDATE_LIMIT = (
        "candidate_limit",
        "change too large: only its {} riskiest files were reviewed",
    )
    BATCH_LIMIT = "batch_limit", "partly over the limit of {} batches"
    UNLISTED = "unlisted", "change too large to list them all"
    LONG_PART = "long_part", "{}: too long for the LLM"
    NOT_READ = "not_read", "not reviewed by the model: {}"
    SECRETS_ONLY = (
        "secrets_only",
        "scanned for secrets only (no analyzer for this language, no LLM configured)",
    )


class RejectionReason(_Reason):
    """Why a finding is dropped or, of the SUGGESTION ones, its suggestion alone."""

    MALFORMED = "malformed", "malformed: {}"
    NOT_IN_CHANGE = "not_in_change", "not a file of this change"
    CATEGORY = "category", "category {} was not requested"
    SEVERITY = "severity", "less severe than {}"
    CONFIDENCE = "confidence", "low confidence ({})"
    REFUTED = "refuted", "refuted: {}"
    REPEATED = "repeated", "reported before: {}"
    DISMISSED = "dismissed", "dismissed {}"
    PREFERENCE = "preference", "left out by the preference: {}"
    FAILED_CHECK = "failed_check", "already reported by the failed check {}"
    SUGGESTION_MISPLACED = "suggestion_misplaced", "suggestion does not apply to those lines"
    SUGGESTION_WITHOUT_LINES = "suggestion_without_lines", "suggestion has no lines to apply to"
