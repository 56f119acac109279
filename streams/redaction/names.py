"""Which field names hold a secret, and which only sound like it.

A name is compared in lower case without separators, so ``Client-Secret``, ``client_secret`` and ``clientSecret`` are
one. It is the *end* of a name that says what its value is: ``secretId`` holds an id, ``dbPassword`` a password,
``passwordLastUsed`` a time.
"""

from __future__ import annotations

import re
from functools import lru_cache

SUFFIXES: tuple[tuple[str, str], ...] = (
    ("password", "password"),
    ("passwd", "password"),
    ("passphrase", "password"),
    ("pwd", "password"),
    ("secretaccesskey", "aws-secret-key"),
    ("secretkey", "secret-key"),
    ("sessiontoken", "session-token"),
    ("securitytoken", "session-token"),
    ("token", "token"),
    ("secret", "secret"),
    ("secretstring", "secret"),
    ("secretbinary", "secret"),
    ("secretvalue", "secret"),
    ("apikey", "api-key"),
    ("accesskey", "access-key"),
    ("accountkey", "access-key"),
    ("subscriptionkey", "api-key"),
    ("signingkey", "secret-key"),
    ("masterkey", "secret-key"),
    ("authkey", "secret-key"),
    ("privatekey", "private-key"),
    ("authorization", "authorization"),
    ("cookie", "cookie"),
    ("cookies", "cookie"),
    ("samlresponse", "saml"),
    ("xamzsignature", "signature"),
)

EXACT = {"auth": "basic", "pass": "password"}

HARMLESS = (
    # Cursors and idempotency keys: AWS, Google and Kubernetes list calls, EC2 ClientToken, Secrets Manager version ids.
    "nexttoken",
    "pagetoken",
    "paginationtoken",
    "continuationtoken",
    "continuetoken",
    "startingtoken",
    "synctoken",
    "clienttoken",
    "clientrequesttoken",
    "idempotencytoken",
    # AWS WAF optimistic locks, Auto Scaling hooks, AWS Config evaluations.
    "changetoken",
    "locktoken",
    "lifecycleactiontoken",
    "resulttoken",
    # Names of secrets, not secrets: Kubernetes and Helm.
    "existingsecret",
    "imagepullsecret",
    "tlssecret",
    "passwordsecret",
    "credentialssecret",
    # GitHub's audit log: the SHA-256 of a token, by which the calls made with it are found.
    "hashedtoken",
)

_PARTS = ("api", "access", "secret", "auth", "private")

KEYWORDS: tuple[str, ...] = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "token",
    "secret",
    "secretstring",
    "secretbinary",
    "secretvalue",
    "secret_value",
    *(f"{part}{gap}key" for part in _PARTS for gap in ("", "_", "-")),
    *("accountkey", "account_key", "subscriptionkey", "subscription-key"),
    *("signingkey", "signing_key", "masterkey"),
    *("api key", "access key", "secret key", "private key"),
    "authorization",
    "cookie",
    "cookies",
    "auth",
    "samlresponse",
    "amz-signature",
    "signature",
    "sig",
)
"""What prefilter and free-text scan look for, in lower case: the ends of the names above as they are written.

With the prefilter's own forms at most ``search.BATCH``: a second batch would cost every record half a microsecond."""

_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=8192)
def kind_of(name: str) -> str | None:
    """Type of secret that a field of this name holds, or None. Case and separators don't count.

    >>> kind_of("Master_User-Password"), kind_of("secretId"), kind_of("clientRequestToken")
    ('password', None, None)
    """
    plain = _SEPARATORS.sub("", name[-96:].lower())
    if plain in EXACT:
        return EXACT[plain]
    if plain.endswith(HARMLESS):
        return None
    for suffix, kind in SUFFIXES:
        if plain.endswith(suffix):
            return kind
    return None


_NOT_A_SECRET = re.compile(
    r"\s*\Z"
    r"|[*•.]+\Z|[xX]{4,}\Z"
    r"|(?:\w+ )?\[REDACTED:[a-z0-9-]{1,32}:[0-9a-f]{8}\]\Z"
    r"|\W?(?:REDACTED|FILTERED|MASKED|HIDDEN|SENSITIVE)\W?\Z|HIDDEN_DUE_TO_SECURITY_REASONS\Z"
    r"|<[A-Za-z_ -]+>\Z|\((?:sensitive value|known after apply)\)\Z"
    r"|\$?\{\{?[ \w.:-]*\}?\}\Z|\$\([ \w.:-]+\)\Z|%[sdv]\Z"
    r"|(?:null|None|nil|undefined|true|false|True|False)\Z"
    r"|arn:[a-z-]+:[a-z0-9-]+:\S*\Z|A(?:KIA|SIA)[A-Z2-7]{16}\Z|alias/[\w/-]+\Z"
    r"|projects/[\w.:-]+/secrets/[\w./-]+\Z",
    re.ASCII,
)
_PATH = re.compile(r"(?:/|~/|\./|[A-Za-z]:\\)[\w./\\ -]*\Z")
_CONSTANT = re.compile(r"[A-Z][A-Z_]{1,24}\Z")


def spared(kind: str, value: str) -> bool:
    """Whether a value under a sensitive name is no secret: empty, masked by its producer, a placeholder, an ARN."""
    if len(value) <= 512 and _NOT_A_SECRET.match(value):
        return True
    if kind == "private-key":
        return len(value) <= 512 and _PATH.match(value) is not None
    return kind == "authorization" and _CONSTANT.match(value) is not None
