"""The secrets analyser's program finds what detect-secrets finds, in a third of its time."""

import json
import random
import string
import subprocess
import sys
from pathlib import Path

from workers.scan.analyzers import secrets

PROBE = Path(secrets.__file__).parent / "probes" / "secrets_probe.py"

#: As detect-secrets runs by itself: every line before every plugin.
ALL_LINES = f"""
import sys
sys.path.insert(0, {str(PROBE.parent)!r})
import secrets_probe
secrets_probe._only_lines_that_may_hold_one = lambda: None
secrets_probe.main()
"""
ALNUM = string.ascii_letters + string.digits


def some(length: int, alphabet: str = ALNUM) -> str:
    return "".join(random.Random(length).choices(alphabet, k=length))


#: A line for each kind; put together here so that no scanner takes them for leaked ones.
OF_EACH_KIND = {
    "Artifactory Credentials": f"x = AKC{some(12)} ",
    "AWS Access Key": "'AK" + f"IA{some(16, string.ascii_uppercase)}'",
    "Azure Storage Account access key": "Account" + f"Key={some(86)}==",
    "Basic Auth Credentials": f"url = 'https://admin:{some(9)}" + "@db.glossator.net'",
    "Cloudant Credentials": f"cloudant_password = '{some(64, '0123456789abcdef')}'",
    "Discord Bot Token": f"M{some(23)}.{some(6)}.{some(27)}",
    "GitHub Token": "gh" + f"p_{some(36)}",
    "GitLab Token": "gl" + f"pat-{some(20)}",
    "IBM Cloud IAM Key": f"ibm_cloud_iam_key = '{some(44)}'",
    "IBM COS HMAC Credentials": f"cos_hmac_secret_access_key = '{some(48, '0123456789abcdef')}'",
    "JSON Web Token": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + f"JzdWIiOiIxIn0.{some(43)}",
    "Mailchimp Access Key": f"'{some(32, '0123456789abcdef')}-us" + "12'",
    "NPM tokens": "//registry.npmjs.org/:_auth" + f"Token=npm_{some(36)}",
    "OpenAI Token": f"'sk-{some(20)}T3Blbk" + f"FJ{some(20)}'",
    "Private Key": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "PyPI Token": "'pypi-AgEIcHlwaS5v" + f"cmc{some(80)}'",
    "Secret Keyword": f"DB_PASSWORD = '{some(11)}'",
    "SendGrid API Key": "'SG" + f".{some(22)}.{some(43)}'",
    "Slack Token": "'xox" + f"b-123456789012-{some(24).lower()}'",
    "SoftLayer Credentials": f"softlayer_api_key = '{some(64).lower()}'",
    "Square OAuth Secret": "'sq0" + f"csp-{some(43)}'",
    "Stripe Access Key": "'sk_" + f"live_{some(24)}'",
    "Telegram Bot Token": f"{some(9, '123456789')}" + f":{some(35)}",
    "Twilio API Key": "'AC" + f"{some(32).lower()}'",
}
PLAIN = "def f(x):\n    return x + 1"
KEYWORDS = f"""\
if "{some(10)}" == my_password_secure: pass
client_key "{some(12)}";
config(api_key => '{some(13)}')
secrets = {{"auth-key": "{some(14)}"}}  # not joined by an underscore
password: {some(15)}
contraseña = "{some(16)}"
PASSWD="{some(17)}"
# pragma: allowlist nextline secret
pwd = "{some(18)}"
token = "{some(19)}"
secret = "{some(21)}"  # pragma: allowlist secret
"""
INI = f"[database]\nhost = db\npassword = {some(12)}\n"


def write(directory: Path) -> list[str]:
    texts = {
        "kinds": "\n".join(f"{PLAIN}\n{line}" for line in OF_EACH_KIND.values()),
        "alone": OF_EACH_KIND["GitHub Token"],
        "keywords": KEYWORDS,
        "ini": INI,
        "plain": PLAIN,
        "empty": "",
    }
    for name, text in texts.items():
        (directory / f"{name}.txt").write_text(text, encoding="utf-8")
    return [f"{name}.txt" for name in texts]


def found(directory: Path, *program: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-I", *program, *write(directory)],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    key = ("file", "line", "type", "spans")
    return sorted(json.loads(done.stdout), key=lambda item: [str(item[name]) for name in key])


def test_it_finds_a_secret_of_each_kind_and_what_detect_secrets_finds(tmp_path: Path) -> None:
    probe_findings = found(tmp_path, str(PROBE))
    assert {item["type"] for item in probe_findings if item["file"] == "kinds.txt"} >= set(
        OF_EACH_KIND
    )
    assert {item["file"] for item in probe_findings} == {
        "kinds.txt",
        "alone.txt",
        "keywords.txt",
        "ini.txt",
    }
    assert probe_findings == found(tmp_path, "-c", ALL_LINES)
