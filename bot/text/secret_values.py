"""Whether a value is a secret, or only stands where one would (pure, linear time).

The rules of `bot.text.secret_rules` find where a value is; here its text is judged.
"""

import math
import re
from collections import Counter
from itertools import pairwise

#: Bits a character: random base64 of 20 characters has about 4, words have 3 or less.
_ENTROPY = 3.2

#: Stand-ins that people write where a secret goes, types, and places where the secret is instead.
_PLACEHOLDER = re.compile(
    r"(?i)^(?:.*(?:example|change[_-]?(?:me|this|it)|placeholder|redacted|dummy|your[_-]|xxxx|\*{3,}"
    r"|\.{3}|…|<[^>]*>|[$#%]\{|\{\{|%\(|\$\w+\[|\{[\w.]{1,40}\}"
    r"|not[_-]?(?:a|the|so)?[_-]?(?:real|secret)).*"
    r"|\$\w+|\$\(.*|(?:enc\[|arn:|op://|vault:|env:|file:|ssm:|secretsmanager:).*"
    r"|(?:test|fake|mock|sample|foo|bar|invalid|wrong)[\w-]{0,12}|random[_-]?string"
    r"|(?:[sr]k|whsec)_(?:test_)?\w{1,8}"
    r"|none|null|nil|undefined|true|false|string|text|number|object|required|optional|hidden"
    r"|hashed|encrypted|sensitive|nullable"
    r"|password|passwd|pass|secret|credentials?|bearer|basic|(.)\1*)$"
)

#: Of the issuers' own documentation.
_DOCUMENTED = re.compile(r"(?i)example|xxxx|\*{3}|(.)\1{7}|eyJzdWIiOiIxMjM0NTY3ODkwIi")

#: Words, as names of code, headers, files and addresses are made of them.
_WORD = r"[A-Za-z]+\d{0,2}"
_NAME = re.compile(
    rf"[A-Z]?[a-z]{{2,}}(?:[A-Z][a-z]{{2,}})*|[./~_]*{_WORD}(?:[ _./:-]+{_WORD})+[/:]*|_[a-z]+"
    r"|[a-z]+://[^@\s]*"
)
#: The beginning that a name or a token is put together from: `memos_pat_`.
_PREFIX = re.compile(r"[A-Za-z]{1,20}(?:[_-][A-Za-z]{1,20}){0,4}[_-]")
#: Of a variable of the environment: `AUTH_AZURE_AD_B2C_CLIENT_SECRET`.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:SECRET|TOKEN|KEY|PASSWORD|PASS|PWD)")
#: The words that a name in camel case is made of.
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

#: What a weak value is not: a name of something that has to do with secrets.
_SPEAKS_OF_SECRETS = re.compile(r"(?i)passw|secret|token|key|credential|prompt|field|label|input")
_WORDS_FOR_SECRETS = re.compile(r"(?i)p[a4][s5$]{2}(?:w[o0]rd|wd|phrase)?|pwd|secret|token|key")
#: A word of a language, with a number at its end: what people type, and no machine makes.
_TYPED = re.compile(r"(?P<word>[A-Za-z]{2,20})(?:[_.-][A-Za-z]{2,20}){0,3}[_.-]?\d{0,4}!?")
#: What is kept of a password, from which nobody gets it back.
_HASH = re.compile(r"\$(?:argon2\w{0,2}|2[abxy]|[1569y]|pbkdf2[\w-]{0,10}|scrypt)\$|\{S?SHA\d*\}")


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def is_issued(text: str) -> bool:
    """Not as documentation shows it."""
    return _DOCUMENTED.search(text) is None and not _is_counted_up(text)


def is_random_looking(text: str) -> bool:
    return not _is_placeholder(text) and entropy(text) >= _ENTROPY


def is_secret_value(text: str) -> bool:
    """A value assigned to a name such as `token`: no stand-in and no plain word."""
    if _is_placeholder(text) or _is_name(text):
        return False
    mixed = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return entropy(text) >= 2.5 and mixed >= 2


def is_weak_value(text: str) -> bool:
    """What is given to a name that ends in `password`, whatever it looks like."""
    return not (_is_placeholder(text) or _PREFIX.fullmatch(text) or _SPEAKS_OF_SECRETS.search(text))


def is_key_line(text: str) -> bool:
    return entropy(text) >= 4.5


def is_key_body(text: str) -> bool:
    """Of a private key: more than the bytes that all keys begin with, and than words."""
    return any(entropy(run) >= 3.3 for run in re.findall(r"[A-Za-z0-9+/]{16,}", text))


def is_strong(text: str) -> bool:
    """What no name of code is: letters, digits and signs mixed."""
    return (
        re.search("[!@#%^&*?~+]", text) is not None
        and re.search("[0-9]", text) is not None
        and is_random_looking(text)
    )


def is_no_variable(text: str) -> bool:
    return re.match(r"\$[{(]|\{\{?|<|%[(s]|\$\w+$|\*+$", text) is None and not _is_placeholder(text)


def is_value(text: str) -> bool:
    """Random, and no name of code such as `settings.secret_key`."""
    return is_random_looking(text) and not _is_name(text)


def is_typed(text: str) -> bool:
    """Words, perhaps with a number behind: `postgres`, `minio123`."""
    match = _TYPED.fullmatch(text)
    return match is not None and _is_camel(match["word"])


def is_stand_in(text: str) -> bool:
    """Says what belongs there, as `yoursecret`, or is what is kept of a password: a hash. Neither
    opens anything."""
    if _HASH.match(text):
        return True
    rest = _WORDS_FOR_SECRETS.sub("", text)
    return rest != text and (rest.isalpha() or len(rest) < 6)


def _is_placeholder(text: str) -> bool:
    return bool(_PLACEHOLDER.match(text)) or _is_counted_up(text) or _is_foreign_prose(text)


def _is_counted_up(text: str) -> bool:
    """`abcdef123456`: at least half of it is the character that comes after the one before."""
    if text.isdigit() or len(text) < 6:
        return False
    steps = sum(ord(after) - ord(before) == 1 for before, after in pairwise(text))
    return 2 * steps >= len(text)


def _is_foreign_prose(text: str) -> bool:
    """Letters that are not all of ASCII, and no digit: a word or sentence of another language."""
    return not text.isascii() and not any(
        sign.isdigit() or sign in "!@#$%^&*_+=~|\\" for sign in text
    )


def _is_name(text: str) -> bool:
    if _NAME.fullmatch(text) or _PREFIX.fullmatch(text) or _VARIABLE.fullmatch(text):
        return True
    return text.isascii() and text.isalpha() and not text.islower() and _is_camel(text)


def _is_camel(letters: str) -> bool:
    """Parts of three letters and more, as words have them; chance changes the case more often."""
    return len(letters) >= 3 * len(_HUMPS.findall(letters))
