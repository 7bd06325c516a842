"""Made-up secrets in the shapes of real ones, put together here so that no scanner of this
repository's own takes them for leaked ones."""

import random
import string

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _some(seed: str, length: int, alphabet: str = _ALNUM) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


def _jwt() -> str:
    return "ey" + "JhbGciOiJIUzI1NiJ9" + ".ey" + f"J{_some('claims', 40)}.{_some('mac', 43)}"


def private_key(kind: str = "RSA ") -> str:
    """A block of PEM of twelve lines; the body is random."""
    body = "\n".join(_some(f"pem{kind}{line}", 64, _ALNUM + "+/") for line in range(10))
    return f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def aws_key_id(seed: str) -> str:
    """A key id as Amazon makes them; each seed has its own."""
    return "AK" + "IA" + _some(seed, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


#: By name: each on one line, none a part of another.
SHAPES: dict[str, str] = {
    "github personal": "gh" + "p_" + _some("ghp", 36),
    "github app": "gh" + "s_" + _some("ghs", 36),
    "github app, a JWT": "gh" + "s_123456_" + _jwt(),
    "github fine-grained": "github_" + "pat_" + _some("pat", 22) + "_" + _some("pat2", 59),
    "gitlab": "gl" + "pat-" + _some("gitlab", 20),
    "slack": "xox" + "b-" + "1234567890-" + _some("slack", 24),
    "aws id": aws_key_id("aws"),
    "google": "AI" + "za" + _some("google", 35),
    "stripe": "sk_" + "live_" + _some("stripe", 24),
    "anthropic": "sk-" + "ant-" + _some("anthropic", 40),
    "openai": "sk-" + "proj-" + _some("openai", 40),
    "npm": "np" + "m_" + _some("npm", 36),
    "pypi": "py" + "pi-AgE" + _some("pypi", 60),
    "hugging face": "h" + "f_" + _some("hf", 34),
    "sendgrid": "S" + "G." + _some("sg", 22) + "." + _some("sg2", 43),
    "jwt": _jwt(),
    "slack webhook": "https://hooks.slack." + f"com/services/T0{_some('sw', 9)}/{_some('sw2', 24)}",
    "google oauth": "GOC" + "SPX-" + _some("gocspx", 28),
    "digitalocean": "do" + "p_v1_" + _some("do", 64, _HEX),
    "vault": "hv" + "s." + _some("vault", 24),
    "discord webhook": "https://discord.com/api/" + f"webhooks/{'12345' * 4}/{_some('dw', 60)}",
    "telegram": "123456" + "7890:AA" + _some("telegram", 33),
    "docker": "dckr_" + "pat_" + _some("docker", 27),
    "rubygems": "ruby" + "gems_" + _some("gems", 48, _HEX),
    "shopify": "shp" + "at_" + _some("shopify", 32, _HEX),
    "grafana": "gl" + f"sa_{_some('grafana', 32)}_{_some('grafana2', 8, _HEX)}",
    "databricks": "da" + "pi" + _some("databricks", 32, _HEX),
    "postman": "PM" + f"AK-{_some('postman', 24, _HEX)}-{_some('postman2', 34, _HEX)}",
    "new relic": "NR" + "AK-" + _some("newrelic", 27, string.ascii_uppercase + string.digits),
    "linear": "lin_" + "api_" + _some("linear", 40),
    "age": "AGE-SECRET-" + "KEY-1" + _some("age", 58, string.ascii_uppercase + string.digits),
    "square": "sq0" + "csp-" + _some("square", 43),
    "twilio": "S" + "K" + _some("twilio", 32, _HEX),
    "mailchimp": _some("mailchimp", 32, _HEX) + "-us" + "12",
    "artifactory": "AK" + "Cp" + _some("artifactory", 69),
    "discord": f"M{_some('dc', 23)}." + f"{_some('dc2', 6)}.{_some('dc3', 27)}",
}
