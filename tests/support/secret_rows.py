"""Made-up secrets and personal data, and texts that hold neither. Values are put together from pieces: none is real."""

from __future__ import annotations

from hashlib import sha256

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def made(name: str, length: int, alphabet: str = _ALNUM) -> str:
    """A random-looking word that is the same in every run, with a digit and letters of both cases in it."""
    word, n = "", 0
    while len(word) < length:
        word += "".join(alphabet[byte % len(alphabet)] for byte in sha256(f"{name}/{n}".encode()).digest())
        n += 1
    return (("a1B" if alphabet == _ALNUM else "") + word)[:length]


_HEX = "0123456789abcdef"
_BODY = "\n".join(made(f"pem{n}", 64) for n in range(3))
_KEY = "PRIVATE " + "KEY"


def _pem(kind: str = "") -> str:
    return f"-----BEGIN {kind}{_KEY}-----\n{_BODY}\n-----END {kind}{_KEY}-----"


# name: (the words around it with {}, the secret itself)
SECRETS: dict[str, tuple[str, str]] = {
    "openai": ("use {} for it", "sk-" + made("openai", 48)),
    "openai project": ("use {} for it", "sk-proj-" + made("project", 60)),
    "anthropic": ("key {}", "sk-ant-" + "api03-" + made("ant", 80)),
    "stripe": ("charge with {}.", "sk_" + "live_" + made("stripe", 24)),
    "github": ("({})", "gh" + "p_" + made("github", 36)),
    "github fine": ("token {}", "github_" + "pat_" + made("fine", 60)),
    "gitlab": ("clone with {}", "gl" + "pat-" + made("gitlab", 20)),
    "slack": ("bot {}", "xo" + "xb-123456789012-" + made("slack", 24)),
    "slack hook": ("https://hooks.slack.com/services/{}", "T0000/B0000/" + made("hook", 24)),
    "aws id": ("id {} here", "AK" + "IA" + made("aws", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
    "aws secret": ("aws_secret_access_key = {}", made("awss", 40)),
    "google": ("?key={}&x=1", "AI" + "za" + made("google", 35)),
    "google oauth": ("{}", "ya" + "29." + made("oauth", 40)),
    "google client": ("{}", "GOC" + "SPX-" + made("client", 28)),
    "npm": ("//registry/:_authToken={}", "npm" + "_" + made("npm", 36)),
    "pypi": ("password = {}", "py" + "pi-AgEI" + made("pypi", 80)),
    "hugging face": ("{}", "hf" + "_" + made("hf", 34)),
    "telegram": ("bot{}/getMe", "123456789:AA" + made("telegram", 33)),
    "twilio": ("sid {}", "AC" + made("twilio", 32, _HEX)),
    "sendgrid": ("{}", "SG." + made("sg1", 22) + "." + made("sg2", 43)),
    "azure storage": ("AccountName=x;AccountKey={};EndpointSuffix=y", made("azure", 86) + "=="),
    "azure sas": ("https://x.blob.core.windows.net/c?sv=1&sig={}", made("sas", 43) + "%3D"),
    "azure app": ("client_secret: {}", made("app", 3) + "8Q~" + made("app2", 34)),
    "jwt": ("{}", "ey" + "JhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + made("jwt", 43)),
    "bearer": ("Authorization: Bearer {}", made("bearer", 40)),
    "basic": ("Authorization: Basic {}", "YWxpY2U6" + "aHVudGVyMjI="),
    "header": ("X-Api-Key: {}", made("header", 32)),
    "url": ("postgres://{}@db.invalid/app", "app:" + made("url", 16)),
    "url password": ("redis://:{}@cache.invalid:6379/0", made("redis", 16)),
    "env": ("DB_PASSWORD={}", made("env", 16)),
    "env lower": ("export SMTP_PASS={}", "correcthorse"),
    "json": ('{{"password": "{}"}}', "correct horse 7"),
    "json in json": (r'"{{\"client_secret\": \"{}\"}}"', made("json", 20)),
    "toml": ('api_key = "{}"', made("toml", 24)),
    "yaml": ("  secretKey: {}", made("yaml", 24)),
    "dotnet": ("Server=db;User Id=sa;Password={};Encrypt=true", made("net", 12)),
    "flag": ("curl --token {} https://x.invalid", made("flag", 20)),
    "xml": ("<clientSecret>{}</clientSecret>", made("xml", 20)),
    "netrc": ("machine x.invalid login me password {}", made("netrc", 10)),
    "words": ("my password is {} by the way", made("words", 12)),
    "cookie": ("Cookie: {}", "session=" + made("cookie", 32)),
    "crypt": ("root:{}:19000:0", "$6$" + made("salt", 16) + "$" + made("crypt", 86)),
    "pem": ("the key:\n{}\nand so on", _pem()),
    "pem rsa": ("{}", _pem("RSA ")),
    "pem in json": ('{{"private_key": "{}"}}', _pem().replace("\n", "\\n")),
    "kubeconfig": ("client-key-data: {}", "LS0tLS1CRUdJTi" + "BSU0EgUFJJVkFURSBLRVk" + made("kube", 60)),
}
PERSONAL: dict[str, tuple[str, str]] = {
    "mail": ("write to {} today", "ann.lee" + "@example.org"),
    "mail tag": ("<{}>", "a.b+news" + "@mail.example.co.uk"),
    "phone": ("call {} now", "+44 20 7946 " + "0958"),
    "phone us": ("at {}.", "(555) 123-" + "4567"),
    "phone word": ("tel: {}", "030 1234" + "567"),
    "card": ("card {} please", "4111 1111 " + "1111 1111"),
    "card plain": ("card {}", "55555555" + "55554444"),
    "iban": ("to {} by friday", "DE89 3704 0044 " + "0532 0130 00"),
    "iban plain": ("to {}", "GB82WEST" + "12345698765432"),
    "ssn": ("his {} is", "078-05" + "-1120"),
    "passport": ("passport {}", "C01X00" + "T47"),
    "licence": ("driver's license no. {}", "D123-4567" + "-8901"),
    "birth": ("born on {}", "4 July " + "1976"),
    "birth iso": ("date of birth: {}", "1976-" + "07-04"),
    "ip": ("from {} at noon", "198.51." + "100.23"),
    "ip inside": ("user ip {}", "10.2." + "3.4"),
    "ip 6": ("client ip: {}", "2001:db8::" + "8a2e:370:7334"),
    "mac": ("device {}", "00:1b:44:" + "11:3a:b7"),
    "place": ("meet at {}", "48.85837, " + "2.294481"),
    "latitude": ('{{"lat": {}}}', "48.85" + "837"),
    "address": ("I live at {}", "221 Baker " + "Street"),
    "german address": ("wohnt in der {}", "Lindenstraße " + "12a"),
    "name": ("my name is {}, hi", "Ann " + "Lee"),
}
BENIGN = (
    "time 12:34:56",
    "version 4111.1111.1 and version 10.2.3.4",
    "port 5432 on localhost:8080 and 127.0.0.1",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "AKIA is the prefix of AWS ids, sk- that of keys, ghp_ that of tokens",
    "base64 of hello is aGVsbG8=",
    "order 0532013000, invoice 2024-118, ISBN 978-3-16-148410-0",
    "max_tokens: 4096, token count = 128000, tokens=12345678",
    "Unexpected token: identifier",
    "the password: short. Password: see below. Enter your password to go on",
    "The secret: practise every day. No password was given",
    'password = os.environ["DB_PASSWORD"]',
    "password=get_password(), api_key=api_key, token=None",
    'api_key_env = "OPENAI_API_KEY"',
    "API_KEY=<your key>, TOKEN=${TOKEN}, PASSWORD=********",
    "primary key: id, sort_key=created_at, the key is under the mat",
    "Basic authentication and Bearer authentication",
    "Authorization: required. cookie: chocolate",
    "https://example.org/a/b?page=2&sort=name#top",
    "A file begins with -----BEGIN PRIVATE KEY----- in such a case",
    "x = 3.14159; y = 2.71828; 1,234,567.89 USD; 50 %",
    "timestamps 1700000000000 and 2024-05-06T07:08:09.123456Z",
    "Section 4.2.1, chapters 12-15, 3 x 4 = 12, 10:00-11:30",
    "class sk-container-id-1 and hf-toggle, npm_config_registry, pypi-publish",
    "passport control is on the left; the phone rang; a card game of 52",
    "the address of the function, the place in the list, a street of five houses",
    "E = mc^2, H2O, COVID-19, B2B, GPT-4, utf-8, x86_64",
    "Paris is the capital of France. 你好 世界 🎉 naïve café",
)
