"""Runs alone, as a program in the sandbox: secrets in the files named on the command line.

Prints JSON: for each find its file, type, line and the spans of the value in that line
(characters, from 0). The value itself never leaves this process.
"""

import json
import re
import sys
from collections.abc import Generator
from types import ModuleType
from typing import Any

# Its plugins ask the network whether a find is valid, which is off here (and closed): to import
# what they would ask with is two thirds of the start.
sys.modules["requests"] = _requests = ModuleType("requests")
_requests.Response = object  # type: ignore[attr-defined]

from detect_secrets.core import scan  # noqa: E402
from detect_secrets.plugins.keyword import DENYLIST  # noqa: E402
from detect_secrets.settings import get_plugins, transient_settings  # noqa: E402
from detect_secrets.util.code_snippet import get_code_snippet  # noqa: E402

# The two entropy plugins are left out: hashes and test data are most of what they find.
_PLUGINS = """ArtifactoryDetector AWSKeyDetector AzureStorageKeyDetector BasicAuthDetector
CloudantDetector DiscordBotTokenDetector GitHubTokenDetector GitLabTokenDetector
IbmCloudIamDetector IbmCosHmacDetector JwtTokenDetector KeywordDetector MailchimpDetector
NpmDetector OpenAIDetector PrivateKeyDetector PypiTokenDetector SendGridDetector SlackDetector
SoftlayerDetector SquareOAuthDetector StripeDetector TelegramBotTokenDetector TwilioKeyDetector"""
_HEURISTICS = """is_potential_uuid is_likely_id_string is_templated_secret is_sequential_string
is_prefixed_with_dollar_sign is_not_alphanumeric_string is_indirect_reference"""
# What documentation and examples put in a secret's place.
_PLACEHOLDER = re.compile(
    r"(?:(?:your|my|some|the|a|an|new|db|api|user)[ _-]?)*"
    r"(?:password|passwd|pass|pwd|secret|token|key|api[ _-]?key|user(?:name)?|credentials?)"
    r"(?:[ _-]?here)?|change[ _-]?(?:me|this|it)|(?:example|placeholder|redacted|dummy|foo|bar|xxx)"
    r"|[x*.]+|<.*>|\[.*\]|\{.*\}",
    re.IGNORECASE,
)
# A password for this machine or a reserved name, and a line of a doctest, open nothing.
_NOWHERE = (
    r"@(?:localhost|127\.0\.0\.1|\[::1\]|(?:[\w-]+\.)*example(?:\.\w+)?|host(?:name)?)(?![\w.-])"
)
_DOCTEST = re.compile(r"\s*(?:>>>|\.\.\.) ")


def main() -> None:
    config = {
        "plugins_used": [{"name": name} for name in _PLUGINS.split()],
        "filters_used": [
            {"path": "detect_secrets.filters.allowlist.is_line_allowlisted"},
            *({"path": f"detect_secrets.filters.heuristic.{name}"} for name in _HEURISTICS.split()),
        ],
    }
    finds = []
    with transient_settings(config):
        _only_lines_that_may_hold_one()
        for name in sys.argv[1:]:
            with open(name, encoding="utf-8", newline="\n") as file:
                lines = file.read().split("\n")
            for secret in scan.scan_file(name):
                line = lines[secret.line_number - 1]
                value = secret.secret_value or ""
                if _PLACEHOLDER.fullmatch(value) or _is_example(line, value):
                    continue
                finds.append(
                    {
                        "file": name,
                        "type": secret.type,
                        "line": secret.line_number,
                        "spans": _spans(line, value),
                    }
                )
    json.dump(finds, sys.stdout)


def _only_lines_that_may_hold_one() -> None:
    """Let plugins see the lines alone in which one of their patterns, or a keyword, stands: to
    call a plugin takes longer than its patterns do, and most lines have nothing for any."""
    keyword = re.compile("|".join(DENYLIST), re.IGNORECASE)
    plugin_patterns = [
        (plugin, getattr(plugin, "denylist", (keyword,))) for plugin in get_plugins()
    ]

    def of_lines(lines: list[tuple[int, str]], filename: str) -> Generator[Any, None, None]:
        texts = [line for _, line in lines]
        for number, line in lines:
            line = line.rstrip()
            plugins = [
                p for p, patterns in plugin_patterns if any(each.search(line) for each in patterns)
            ]
            if not plugins:
                continue
            context = get_code_snippet(texts, number)
            seen: dict[str, Any] = {"filename": filename, "line": line, "context": context}
            if scan._is_filtered_out(["line"], **seen):
                continue
            for plugin in plugins:
                for found in scan._scan_line(plugin, line_number=number, **seen):
                    value = {"secret": found.secret_value, "plugin": plugin}
                    if not scan._is_filtered_out(["context"], **value, **seen):
                        yield found

    scan._process_line_based_plugins = of_lines


def _is_example(line: str, value: str) -> bool:
    return bool(_DOCTEST.match(line) or re.search(re.escape(value) + _NOWHERE, line))


def _spans(line: str, value: str) -> list[tuple[int, int]]:
    """Where `value` stands; the whole line where it can't be told."""
    spans = []
    start = line.find(value) if value else -1
    while start >= 0:
        spans.append((start, start + len(value)))
        start = line.find(value, start + len(value))
    return spans or [(0, len(line))]


if __name__ == "__main__":
    main()
