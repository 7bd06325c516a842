"""Secrets in text: one set of rules finds them, for whoever masks and for whoever reports (pure).

The patterns are those of the issuers' published token formats, and of names such as `password`
that a value is given to. They favor precision, except for what goes by entropy alone. No match
takes more than linear time.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.text.secret_values import (
    is_issued,
    is_key_body,
    is_key_line,
    is_no_variable,
    is_random_looking,
    is_secret_value,
    is_strong,
    is_value,
    is_weak_value,
)


class KnownBy(Enum):
    """What says that a value is a secret: how its issuer makes them, the syntax around it, such as
    an address with a password, or no more than the name that it is given to."""

    FORM = "form"
    SYNTAX = "syntax"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` finds the secret as its group `s`, or else as the whole match. `title` is for
    people, "" for what is masked on suspicion and not worth reporting. Where a value has no quotes,
    it is one in files of `data`, and in others code as a rule: there it is masked and not
    reported."""

    kind: str
    title: str
    pattern: re.Pattern[str]
    is_secret: Callable[[str], bool]
    known_by: KnownBy = KnownBy.FORM
    data: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """Where in a text a secret is: characters from `start` up to `end`."""

    start: int
    end: int
    rule: Rule


#: Where a token may begin: not within a word, but right after an escape, whose last character
#: is a letter or digit: `\n`, `\x22`, `\u0022`, `%22`.
_START = (
    r"(?:(?<![A-Za-z0-9_])|(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})"
    r"|(?<=\\u[0-9A-Fa-f]{4}))"
)


#: Names that are given nothing but secrets, also numbered ones.
_GIVEN_PASSWORDS = r"(?:passw(?:or)?d|pwd|passphrase|contrase[nñ]a)(?:_?\d{1,3})?"
_GIVEN_SECRETS = r"(?:passw(?:or)?d|pwd|passphrase|contrase[nñ]a|secret(?:[_-]?key)?)(?:_?\d{1,3})?"


def _rule(
    kind: str,
    title: str,
    pattern: str,
    is_secret: Callable[[str], bool] = is_issued,
    *,
    known_by: KnownBy = KnownBy.FORM,
    data: bool = False,
) -> Rule:
    compiled = re.compile(pattern.replace("<START>", _START))
    return Rule(kind, title, compiled, is_secret, known_by, data)


RULES = (
    _rule(
        "private-key",
        "Private key",
        # Up to its end, the next beginning, or what cannot stand in a key, as in code that
        # only names the first line.
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?!-----(?:BEGIN|END))[A-Za-z0-9+/=\s\\\"',:.#|<>*-]){0,20000}"
        r"(?:-----END [A-Z0-9 ]{0,40}-----)?",
        is_key_body,
    ),
    _rule(
        "github-token",
        "GitHub token",
        # Those of installations name the App and are JWTs, but for GitHub Enterprise Server's.
        # https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/
        r"ghs_(?:[A-Za-z0-9]{1,20}_)?eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}"
        r"|gh[pousr]_(?:(?!gh[pousr]_)[A-Za-z0-9]){36,255}|github_pat_[A-Za-z0-9_]{22,255}",
    ),
    _rule(
        "gitlab-token",
        "GitLab token",
        r"gl(?:pat|dt|rt|soat|cbt|ptt|ft|imt|agent)-[A-Za-z0-9_-]{20,255}",
    ),
    _rule(
        "slack-token",
        "Slack token",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\d-[A-Za-z0-9-]{10,255}",
    ),
    _rule(
        "slack-webhook",
        "Slack webhook URL",
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,200}",
    ),
    _rule(
        "aws-key-id", "AWS access key", r"<START>(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"
    ),
    _rule(
        "aws-secret",
        "AWS secret key",
        r"(?i)aws.{0,30}?(?:secret|key).{0,20}?[=:\s\"']{1,5}(?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        is_random_looking,
    ),
    _rule("google-key", "Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    _rule(
        "google-oauth",
        "Google OAuth secret",
        r"GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,500}",
    ),
    _rule(
        "stripe-key",
        "Stripe key",
        r"<START>(?:sk|rk|whsec)_(?:(?:live|test|prod)_)?[A-Za-z0-9]{16,255}(?![A-Za-z0-9])",
    ),
    _rule("anthropic-key", "Anthropic key", r"sk-ant-[A-Za-z0-9_-]{20,255}"),
    _rule(
        "openai-key",
        "OpenAI key",
        r"<START>sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,255}",
        is_random_looking,
    ),
    _rule("azure-key", "Azure storage key", r"AccountKey=(?P<s>[A-Za-z0-9+/]{86}==)"),
    _rule("digitalocean-token", "DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}"),
    _rule("vault-token", "Vault token", r"<START>hv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    _rule(
        "discord-webhook",
        "Discord webhook URL",
        r"https://discord(?:app)?\.com/api/webhooks/\d{10,25}/[A-Za-z0-9_-]{40,100}",
    ),
    _rule("npm-token", "npm token", r"npm_[A-Za-z0-9]{36}"),
    _rule("pypi-token", "PyPI token", r"pypi-AgE[A-Za-z0-9_-]{50,500}"),
    _rule("hugging-face-token", "Hugging Face token", r"hf_(?:(?!hf_)[A-Za-z0-9]){30,60}"),
    _rule("sendgrid-key", "SendGrid key", r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{30,60}"),
    _rule("docker-token", "Docker token", r"dckr_[po]at_[A-Za-z0-9_-]{27,60}"),
    _rule("rubygems-key", "RubyGems key", r"rubygems_[a-f0-9]{48}"),
    _rule("shopify-token", "Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _rule("grafana-token", "Grafana token", r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    _rule("databricks-token", "Databricks token", r"<START>dapi[a-f0-9]{32}(?![A-Za-z0-9])"),
    _rule("postman-key", "Postman key", r"PMAK-[A-Za-z0-9]{24}-[A-Za-z0-9]{34}"),
    _rule("new-relic-key", "New Relic key", r"NRAK-[A-Z0-9]{27}"),
    _rule("linear-key", "Linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    _rule("age-key", "age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _rule("square-token", "Square token", r"sq0(?:csp|atp)-[A-Za-z0-9_-]{22,43}"),
    _rule("twilio-key", "Twilio key", r"<START>SK[a-f0-9]{32}(?![A-Za-z0-9])"),
    _rule("mailchimp-key", "Mailchimp key", r"<START>[a-f0-9]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    _rule("artifactory-key", "Artifactory key", r"<START>AKCp[A-Za-z0-9]{69}(?![A-Za-z0-9])"),
    _rule(
        "discord-token",
        "Discord token",
        r"<START>[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])",
    ),
    _rule(
        "telegram-token",
        "Telegram bot token",
        r"<START>\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])",
    ),
    _rule(
        "jwt",
        "JSON Web Token",
        r"<START>eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}",
    ),
    _rule(
        "url-password",
        "URL with a password",
        # A slash has to be escaped there, and often is not; after a port begins the path.
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@\"'<>\[|*#]{0,100}:"
        r"(?P<s>[^\s/\"'<>]{3,200}|(?!\d{1,5}/|\$)[^\s@\"'<>]{3,200})@",
        is_no_variable,
        known_by=KnownBy.SYNTAX,
    ),
    _rule(
        "password",
        "Command with a password",  # of curl and its like
        r"\bcurl\b[^\n|;&]{0,200}?\s(?:-u[ \t]{0,3}|--user[ \t=]{1,3})[\"']?[^\s:\"']{1,100}:"
        r"(?P<s>[^\s\"']{3,200})",
        is_no_variable,
        known_by=KnownBy.SYNTAX,
    ),
    _rule(
        "bearer-token",
        "Bearer token",
        # In a header, a table, a subscript, an argument: `h['Authorization'] = f'Bearer …'`.
        r"(?i)\bauthorization\\{0,3}[\"'`\]]{0,2}\s{0,3}(?::=|=>|[:=]|(?<=[\"'`]),)\s{0,3}[rbuf]?\\{0,3}[\"'`]?"
        r"(?:bearer|basic|token)\s{1,3}(?P<s>[A-Za-z0-9._~+/=-]{16,500})",
        is_random_looking,
        known_by=KnownBy.SYNTAX,
    ),
    _rule(
        "secret",
        "Password or key",
        r"(?i)(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
        r"|client[_-]?secret|auth[_-]?key|credential)[A-Za-z0-9_-]{0,20}\\{0,3}[\"'\]]{0,2}\s{0,5}(?::=|=>|[=:])\s{0,5}"
        r"[rbuf]?(?P<q>\\{0,3}[\"'`])(?P<s>(?:[^\"'`\s\\]|\\(?![\"'`\\])|\\\\(?![\"'`])){8,200})(?P=q)",
        is_secret_value,
        known_by=KnownBy.NAME,
    ),
    _rule(
        "secret",
        "Password or key",  # weak, and known by its name alone
        rf"(?i){_GIVEN_SECRETS}\\{{0,3}}[\"'\]]{{0,2}}\s{{0,5}}(?::=|=>|[=:])\s{{0,5}}"
        r"[rbuf]?(?P<q>\\{0,3}[\"'`])(?P<s>[^\"'`\s\\]{6,200})(?P=q)",
        is_weak_value,
        known_by=KnownBy.NAME,
    ),
    _rule(
        "secret",
        "Password or key",
        r"(?im)^[ \t]{0,20}(?:export[ \t])?[A-Z0-9_]{0,40}"
        r"(?:PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY)[A-Z0-9_]{0,20}[ \t]{0,3}[=:][ \t]{0,3}"
        r"(?P<s>[A-Za-z0-9+/=_.~-]{16,200})[ \t\r]{0,20}$",
        is_value,
        known_by=KnownBy.NAME,
        data=True,
    ),
    _rule(
        "secret",
        "Password or key",  # as YAML and dotenv files have it, without quotes
        r"(?im)^[ \t]{0,40}(?:- |export )?[\"']?[A-Z0-9_.-]{0,40}"
        r"(?:PASSW(?:OR)?D|PWD|SECRET|TOKEN|KEY)[A-Z0-9_-]{0,20}[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
        r"(?P<s>[A-Za-z0-9!@#%^&*?~+=_./-]{10,200})[ \t\r]{0,20}$",
        is_strong,
        known_by=KnownBy.NAME,
        data=True,
    ),
    _rule(
        "key-material",
        "",
        r"(?m)^[ \t]{0,40}(?P<s>[A-Za-z0-9+/]{60,80}={0,2})[ \t]{0,20}$",
        is_key_line,
    ),
)


#: Of files of data, where a value needs no quotes; in code, a name or a type would be there.
DATA_RULES = (
    _rule(
        "secret",
        "Password or key",
        r"(?im)^[ \t]{0,40}(?:- |export )?[\"']?[A-Z0-9_.-]{0,40}"
        rf"{_GIVEN_PASSWORDS}[\"']?[ \t]{{0,3}}[=:][ \t]{{0,3}}"
        r"(?P<s>[^\s\"'`#,;(){}\[\]]{6,200})[ \t\r]{0,20}$",
        is_weak_value,
        known_by=KnownBy.NAME,
    ),
)


#: What every match of every rule has in it; most titles, names and sentences have none of it.
_MAYBE = re.compile(
    r"[\w+/=.~-]{15}|://|-----BEGIN|[\"'`]|(?i:passw|pwd|secret|token|key).{0,30}[=:]|curl"
)


def find(text: str, rules: Sequence[Rule] = RULES) -> list[Secret]:
    """The secrets in the text, in their order; they do not overlap."""
    if not _MAYBE.search(text):
        return []
    merged: list[tuple[int, int, int]] = []
    for start, end, number in sorted(_all_matches(rules, text)):
        if not merged or start >= merged[-1][1]:
            merged.append((start, end, number))
        else:  # the first of several rules says what it is
            before = merged.pop()
            merged.append((before[0], max(before[1], end), min(before[2], number)))
    return [Secret(start, end, rules[number]) for start, end, number in merged]


def _all_matches(rules: Sequence[Rule], text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and the number of the rule. What is only suspected is no part of what is known:
    it may be several secrets."""
    known = bytearray(len(text))
    for number, rule in enumerate(rules):
        for start, end in _matches(rule, text):
            if rule.title:
                known[start:end] = b"\1" * (end - start)
            elif known.find(1, start, end) >= 0:
                continue
            yield start, end, number


def _matches(rule: Rule, text: str) -> Iterator[tuple[int, int]]:
    group: str | int = "s" if "s" in rule.pattern.groupindex else 0
    for match in rule.pattern.finditer(text):
        value = match.group(group)
        if rule.is_secret(value) and not value.startswith("[redacted:"):
            yield match.span(group)
