"""What is masked is reported, and neither is what only looks like a secret."""

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Severity
from bot.text.secrets import redact
from tests.support.secret_shapes import SHAPES, aws_key_id, private_key
from workers.scan.analyzers.analyzer import Diagnostic, Target
from workers.scan.analyzers.secrets import added_secrets


def target(text: str, path: str = "shop/settings.py", added: list[int] | None = None) -> Target:
    lines = text.split("\n")
    chosen = range(1, len(lines) + 1) if added is None else added
    shown = tuple(Line(None, number, lines[number - 1]) for number in chosen)
    file = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=(Hunk(0, 1, "", shown),))
    return Target(file, "", text)


def reported(text: str, path: str = "shop/settings.py") -> list[Diagnostic]:
    return list(added_secrets(target(text, path)))


@pytest.mark.parametrize("name", SHAPES)
def test_each_known_form_is_masked_and_reported(name: str) -> None:
    """Wherever it is: in code, in data, in a sentence."""
    value = SHAPES[name]
    for path, text in (
        ("a.py", f"connect('{value}')"),
        ("a.go", f'key := "{value}"'),
        ("a.yml", f"  value: {value}"),
        ("README.md", f"Use {value} for it."),
    ):
        assert value not in redact(text)
        [found, *more] = reported(text, path)
        in_page = name == "jwt" and path == "README.md"  # shown there as an answer, good for hours
        assert found.severity is (Severity.MEDIUM if in_page else Severity.CRITICAL)
        assert more == []
        assert found.title.endswith(" in the code")
        assert value not in repr(found)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("a.py", "DB_PASSWORD = 'hunt3r-of-cats'", "hunt3r-of-cats"),
        ("a.py", "DB_PASSWORD = 'correcthorse'", "correcthorse"),
        ("a.py", 'SECRET_KEY = "correct-horse-battery"', "correct-horse-battery"),
        ("a.js", "const config = { apiKey: 'a81hd02kkq91' };", "a81hd02kkq91"),
        ("a.rb", "config(api_key => 'a81hd02kkq91')", "a81hd02kkq91"),
        ("a.json", '{"client_secret": "a81hd02kkq91"}', "a81hd02kkq91"),
        (".env", "DB_PASSWORD=hunt3r!Xyz-Q9aaabb", "hunt3r!Xyz-Q9aaabb"),
        ("deploy.yml", "password: Sup3rS3cret!aa1", "Sup3rS3cret!aa1"),
        ("db.ini", "password = correcthorse", "correcthorse"),
        ("db.yml", "password: correcthorse", "correcthorse"),
        ("a.py", "URL = 'postgres://shop:c0rrect@db.shop.io/x'", "c0rrect"),
        ("run.sh", "curl -u shop:c0rrect https://shop.io", "c0rrect"),
        (
            "a.py",
            "h = 'Authorization: Bearer a81hd02kkq91a81hd02kkzzz'",
            "a81hd02kkq91a81hd02kkzzz",
        ),
        ("settings.py", 'DATABASE = "postgres://shop:correcthorse@10.1.2.3/x"', "correcthorse"),
        ("k8s/db.yaml", "  POSTGRES_PASSWORD: hunter2horse", "hunter2horse"),
        ("src/i18n/client.ts", "const apiKey = 'a81hd02kkq91Zz';", "a81hd02kkq91Zz"),
        ("a.py", f"conn = 'AccountKey={'Eby8vdM02xNO' * 7}wJ=='", "Eby8vdM02xNO"),
        ("a.tf", f'aws_secret_key = "{"a81hd02kkq91XYZ/+bcd" * 2}"', "a81hd02kkq91XYZ"),
    ],
)
def test_a_value_given_to_a_name_is_masked_and_reported(path: str, text: str, value: str) -> None:
    [found] = reported(text, path)
    assert value not in repr(found)
    assert found.severity in (Severity.HIGH, Severity.CRITICAL)
    assert "[redacted:" in str(found.quote)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        # placeholders
        ("a.py", 'password = "changeme"'),
        ("a.py", "API_KEY = 'your-api-key-here'"),
        ("a.py", 'token = "<your token>"'),
        ("a.py", "aws_key = 'AKIAIOSFODNN7EXAMPLE'"),
        ("a.py", 'github_token = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"'),
        ("config.yml", "password: ${DB_PASSWORD}"),
        ("config.yml", 'password: "{{ vault_db_password }}"'),
        ("config.yml", "token: ${{ secrets.GITHUB_TOKEN }}"),
        ("run.sh", "PASSWORD=$1"),
        ("run.sh", 'password="$DB_PASSWORD"'),
        ("run.sh", "password=$(cat /run/secrets/db)"),
        (".env", "DB_PASSWORD="),
        ("a.tf", 'password = "arn:aws:secretsmanager:eu-west-1:1234:secret/db"'),
        # parameter lists, types, names
        ("a.ts", "function login(user: string, password: string) {}"),
        ("a.ts", "  password: string;"),
        ("a.ts", "  token: CancellationTokenSource,"),
        ("a.py", "def login(user: str, password: str, token: str = '') -> None: ..."),
        ("a.go", "func login(password string, secret []byte) error {"),
        ("a.rs", "    password: Option<SecretString>,"),
        ("schema.json", '{"password": "string", "secret": "required"}'),
        ("a.py", "secret_key = generate_secret_key_from_environment"),
        ("a.py", "password = hash_of_password"),
        ("a.py", 'TOKEN_TYPE = "access_token"'),
        ("a.py", 'TOKEN_URL = "https://shop.io/oauth/token"'),
        ("a.py", 'API_KEY_HEADER = "X-Api-Key"'),
        ("a.py", 'password_field = "user_password"'),
        ("a.js", "<input type='password' name='password' placeholder='Password'>"),
        # look-ups of the environment
        ("a.py", 'password = os.environ["DB_PASSWORD"]'),
        ("a.py", 'secret = os.getenv("SHOP_SECRET")'),
        ("a.js", "const token = process.env.SHOP_TOKEN;"),
        ("a.go", 'password := os.Getenv("DB_PASSWORD")'),
        ("a.rb", "password = ENV.fetch('DB_PASSWORD')"),
        # what opens nothing
        ("test_a.py", 'password = "test"'),
        ("test_a.py", 'password = "test-password"'),
        ("test_a.py", 'login(password="wrong-one")'),
        ("a.py", "URL = 'postgres://shop:c0rrect@localhost/x'"),
        ("a.py", "URL = 'postgres://user:password@db.shop.io/x'"),
        ("a.py", ">>> login(password='c0rrecthorse')"),
        ("a.py", "HEADER = '-----BEGIN PRIVATE KEY-----'"),
        # not secrets at all
        ("yarn.lock", '  integrity "sha512-' + "a8B1hd02kkq9" * 7 + '=="'),
        ("a.py", "COMMIT = '" + "0a1b2c3d4e" * 4 + "'"),
        ("logo.txt", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"),
    ],
)
def test_what_only_looks_like_a_secret_is_not_reported(path: str, text: str) -> None:
    assert [found.rule for found in reported(text, path)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        # texts of a program, in whatever language
        ("src/lang/de-DE.json", '{"Client Secret": "Client-Geheimnis", "password": "Passwort"}'),
        ("web/locales/bg.json", '{"password": "Парола", "new-password": "Нова-парола"}'),
        ("config/locales/fi.yml", "  password: Salasana\n  current_password: NykyinenSalasana"),
        ("i18n/messages_fr.properties", "login.password=Motdepasse"),
        ("po/da.po", 'msgid "password"\nmsgstr "adgangskode"'),
        ("src/lang/zh-CN.json", '{"OAuth2: Client Credentials": "OAuth2：客户端凭据"}'),
        ("src/labels.ts", "export const password = 'пароль';"),
        # parameters and values that are names of code
        ("a.ts", "async disable(password: string, code: string, backupCode: string) {"),
        ("a.ts", 'sessionByToken = "nextAuthSessionByToken",'),
        ("a.go", 'AmzAccessKeyID = "AWSAccessKeyId"'),
        ("a.go", 'PersonalAccessTokenPrefix = "memos_pat_"'),
        ("a.tsx", 'const INTERNAL_DATAACCESS_KEY = "_resource";'),
        ("a.py", 'tokenUrl=f"{settings.API_V1_STR}/login/access-token"'),
        ("a.py", "SECRET_KEY_CHARSET = 'aZ3!bY4@cX5#dW6$'"),
        ("a.php", "'password' => 'hashed',"),
        ("a.mdx", "clientSecret: AUTH_AZURE_AD_B2C_CLIENT_SECRET"),
        # a name without a value, and the next line
        (".env", "AUTH_TWITTER_SECRET=\nAUTH_TWITTER_ID=\nAWS_KEY=\nAWS_REGION=us-east-1"),
        ("db.env", "MYSQL_PASSWORD=\nMYSQL_DATABASE=nextcloud"),
        # shells: prompts and patterns
        ("a.zsh", "local pwd='%{$fg[blue]%}%~%{$reset_color%}'"),
        ("a.zsh", 'repo="${${@[(r)(ssh://*|git://*|ftp(s)#://*|http(s)#://*|*@*)(.git/#)#]}:-$_}"'),
        # what says what belongs there
        ("a.md", 'nats.connect("nats://yourusername:yoursecret@0.0.0.0:4222")'),
        ("a.vue", 'example: "twilio://AccountSid:AuthToken@FromPhoneNo"'),
        ("a.py", 'url = "https://jo%40email.com:a%20secret@shop.io:1234/path"'),
        ("a.sh", "echo 'CLIENT_SECRET=\"qr6stu789vwxyz\"'"),
        ("a.py", 'api_key = "sk_test_123"'),
        ("a.yml", "#   -----BEGIN RSA PRIVATE KEY-----\n#   " + "privatekey" * 4),
        ("a.md", 'KEY="-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA...\n"'),
        ("a.py", '"authorization": "Basic dXNlcm5hbWU6cGFzc3dvcmQ="'),  # username:password
        (".env", "ADMIN_TOKEN='$argon2id$v=19$m=65540,t=3,p=4$MmeKRnGK5RW5mJS7h3TOL8'"),
    ],
)
def test_texts_names_and_stand_ins_are_no_secrets(path: str, text: str) -> None:
    """Forms that were taken for secrets in public repositories."""
    assert [found.rule for found in reported(text, path)] == []


@pytest.mark.parametrize(
    ("path", "text", "severity"),
    [
        ("compose.yaml", "POSTGRES_PASSWORD: nextcloud", Severity.LOW),
        (".github/workflows/ci.yml", "  POSTGRES_PASSWORD: postgres", Severity.LOW),
        ("db.ini", "user = petclinic\npassword = petclinic", Severity.LOW),
        ("compose.yml", "URL: mysql://root:whalehello@db:3306/mysql", Severity.LOW),
        ("a.py", "URL = 'mysql://root:whale7hello@db:3306/mysql'", Severity.MEDIUM),
        ("compose.yml", "  SRH_TOKEN: uwndz1YIfm9k78mx+mjW8qe7CX33VxRY=", Severity.MEDIUM),
        ("docs/config.rst", "SECRET_KEY = '192b9bdd22ab9ed4d12e236c78afcb9a'", Severity.INFO),
        (".env.example", "CRON_API_KEY='0cc0e6c35519bba620c9360cfe3e68d0'", Severity.INFO),
        ("e2e/login.ts", 'login({ password: "ADMINadmin2022!" })', Severity.INFO),
        ("a.go", '//   "secretKey": "qQlP5O7CFPc5m5IX"', Severity.INFO),
        ("a.md", "Authorization: Bearer a81hd02kkq91a81hd02kkzzz", Severity.MEDIUM),
        ("test_a.py", "URL = 'https://shop:correcthorse@shop.io'", Severity.INFO),
    ],
)
def test_what_opens_little_is_not_called_serious(path: str, text: str, severity: Severity) -> None:
    """Passwords of services that are started for a trial, and values in pages and samples."""
    [found] = reported(text, path)
    assert found.severity is severity
    assert "[redacted:" in str(found.quote)


def test_a_weak_password_of_a_test_is_not_serious() -> None:
    [found] = reported("password = 'correcthorse'", "tests/test_login.py")
    assert found.severity is Severity.INFO


def test_a_key_is_reported_where_it_was_changed() -> None:
    """The line in the middle that the change adds is known by the header far above."""
    key = private_key()
    [found] = added_secrets(target(f"{key}\n", "deploy.pem", added=[6]))
    assert (found.line, found.quote, found.rule) == (6, "[redacted:private-key]", "private-key")
    assert list(added_secrets(target(f"x = 1\n{key}\n", "deploy.pem", added=[1]))) == []


def test_two_secrets_of_a_line_are_both_masked_in_its_quote() -> None:
    first, second = aws_key_id("first"), SHAPES["npm"]
    found = reported(f"connect('{first}', '{second}')")
    assert {one.rule for one in found} == {"aws-key-id", "npm-token"}
    assert {one.quote for one in found} == {
        "connect('[redacted:aws-key-id]', '[redacted:npm-token]')"
    }


@pytest.mark.parametrize(
    "text",
    [
        "key = '{}'  # pragma: allowlist secret",
        "# pragma: allowlist nextline secret\nkey = '{}'",
        "key = '{}'  # gitleaks:allow",
    ],
)
def test_a_mark_allows_a_secret_which_is_masked_all_the_same(text: str) -> None:
    text = text.format(aws_key_id("allowed"))
    assert reported(text) == []
    assert aws_key_id("allowed") not in redact(text)
