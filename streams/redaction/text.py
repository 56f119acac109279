"""Secrets in free text: log lines, commands, URLs, headers, PEM blocks, undecoded JSON.

Everything is one pass from left to right per rule, and what a rule has taken it does not read again, so the work
grows with the length of the text and no faster.
"""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Callable

from streams.redaction.names import KEYWORDS, kind_of, spared
from streams.redaction.patterns import PATTERNS, Pattern
from streams.redaction.search import TextSearch, in_base64

Mark = Callable[[str, str], str]
"""(type, secret) -> what stands in its place."""

PLACEHOLDER = re.compile(r"\[REDACTED:[a-z0-9-]{1,32}:[0-9a-f]{8}\]")

CODED = tuple(
    form
    for word in (
        *("password", "PASSWORD", "secret", "SECRET", "token", "TOKEN", "API_KEY"),
        *("PRIVATE KEY", "ghp_", "github_pat_"),
    )
    for form in in_base64(word)
)
"""Base64 of what gives most secrets away, for the prefilter; text that is read anyway is decoded whatever it holds."""

TYPED = TextSearch(
    [literal for pattern in PATTERNS for literal in pattern.literals]
    + ["PRIVATE KEY", "AKIA", "ASIA", "jdbc:oracle:", *CODED]
)
NAMES = TextSearch([*KEYWORDS, "basic ", "bearer ", "basic+", "bearer+", "basic%20", "bearer%20"])

_BY_LITERAL: dict[str, list[Pattern]] = {}
for _pattern in PATTERNS:
    for _literal in _pattern.literals:
        _BY_LITERAL.setdefault(_literal, []).append(_pattern)
_RANK = {id(pattern): rank for rank, pattern in enumerate(PATTERNS)}

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,60}-----")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,.()-]*")
_PEM_LIMIT = 16_384

_USERINFO = re.compile(r"(:(?:\\?/){2})([^\s/?#\"'<>\\]*+)")
_SPLIT_USERINFO = re.compile(r"((?:\[REDACTED:[a-z0-9-]{1,32}:[0-9a-f]{8}\]|[^:])*+)(?::(.*))?")
_ORACLE = re.compile(r"(jdbc:oracle:[a-z0-9]{1,8}:[^\s/\"'@]{1,64}/)([^\s\"'@]{1,128})(?=@)")
_SCHEME = re.compile(r"(?i)(basic|bearer)(?:[ +]|%20){1,4}(\"?)([A-Za-z0-9._~+/=-]*)")
_PAIR = re.compile(
    r"(A(?:KIA|SIA)[A-Z2-7]{16}[\"'\s,:;|=\\]{1,6}(?:[A-Za-z ]{0,24}[\"'\s:=\\]{1,6})?)"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_RUN_LENGTH = 24
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")

_NAME_SIGNS = string.ascii_letters + string.digits + "_.-"
_FOLLOW = frozenset("\"'`\\])}=:> \t")
_SEPARATOR = re.compile(
    r"[\"'\\\])}]{0,9}[ \t]{0,8}(?:=>|:=|==|=|:)[ \t]{0,8}"  # name = value, "name": value, name => value
    r"|>(?=[^<\s])"  # <name>value<
    r"|\\*+[\"'],?\s{0,8}\\*+[\"']?(?:[vV]alue|[pP]arameterValue)\\*+[\"']?\s{0,4}[:=]\s{0,4}"  # "name", "value": value
    r"|[ \t]{1,4}(?=\\*+[\"'])"  # PASSWORD 'value'
)
_FLAG_GAP = re.compile(r"[ \t]{1,8}|\\*+[\"']\s{0,4},\s{0,8}")
_FLAG = re.compile(r"(?<![^\s\"'`\[(,=])--?(?:[A-Za-z0-9][A-Za-z0-9_-]*)?\Z")
_NETRC = re.compile(r"login\s+\S+\s+\Z")
_OPEN = re.compile(r"(\\*+)([\"'`])")
_CLOSE = {quote: re.compile(rf"(?<!\\)(\\*+){quote}") for quote in "\"'`"}
_BARE = re.compile(r"[^\s\"'`<>,;&\\{}\[\]|]*")
_WORD_LIMIT = 1024
_LINE = re.compile(r"[^\r\n\"'\\]*")
_COOKIES = re.compile(r"[^\s;,\"'\\]*+(?:; ?[^\s;,\"'\\]*+)*+")
_WORD = re.compile(r"(?i)((?:basic|bearer|token|apikey|ssws|splunk|geniekey|digest|negotiate)[ \t]+)?")
_LINE_START = re.compile(r"[\r\n][ \t]*(?:-[ \t]+|(?:export|set|env|ENV|ARG)[ \t]+)?[A-Za-z0-9_.-]*\Z")
_CALL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,128}\(")
_QUOTED_LIMIT = 8192
_SECRET_OBJECT = re.compile(r"kind\\*+\"\s{0,4}:\s{0,4}\\*+\"Secret(?:List)?\\*+\"")
_SECRET_DATA = re.compile(r"((?:data|stringData)\\*+\"\s{0,4}:\s{0,4}\{)([^{}]*+)")


def redact_text(text: str, mark: Mark, depth: int = 0) -> str:
    """The text with each secret replaced by ``mark(type, secret)``. Redacting its own result changes nothing."""
    present = TYPED.present(text)
    if present:
        if "PRIVATE KEY" in present:
            text = _pem(text, mark)
        text = _typed(text, present, mark)
        if "jdbc:oracle:" in present:
            text = _ORACLE.sub(lambda m: m[1] + _unless_spared("url-password", m[2], mark), text)
    if "Secret" in text and _SECRET_OBJECT.search(text):
        text = _SECRET_DATA.sub(lambda m: m[1] + _unless_spared("kubernetes-secret", m[2], mark), text)
    if "@" in text:
        text = _USERINFO.sub(lambda m: _userinfo(m, mark), text)
    if "AKIA" in present or "ASIA" in present:
        text = _PAIR.sub(lambda m: m[1] + mark("aws-secret-key", m[2]), text)
    text = _named(text, mark)
    if depth < 2 and len(text) >= _RUN_LENGTH:
        text = _RUN.sub(lambda m: _coded(m[0], mark, depth), text)
    return text


def names_value(text: str) -> bool:
    """Whether a name may be followed by its value: a quick look for short strings; true too often, never too rarely."""
    lower = text.lower()
    hits = NAMES.longest(lower)
    if hits:
        size = len(lower)
        for _, _, end in hits:
            if lower[end - 1] in " +0" or (end < size and lower[end] in _FOLLOW):
                return True
    return False


def _typed(text: str, present: set[str], mark: Mark) -> str:
    patterns = {id(pattern): pattern for literal in present for pattern in _BY_LITERAL.get(literal, ())}
    for _, pattern in sorted(patterns.items(), key=lambda item: _RANK[item[0]]):
        kind, proof = pattern.kind, pattern.proof

        def replace(match: re.Match[str], kind: str = kind, proof: int = proof) -> str:
            return match[0] if proof and match[proof] is None else mark(kind, match[0])

        text = pattern.regex.sub(replace, text)
    return text


def _pem(text: str, mark: Mark) -> str:
    """Private keys from BEGIN to END, over lines and escaped line ends; without an END as far as it looks like one."""
    out: list[str] = []
    done = 0
    end: re.Match[str] | None = _END.search(text)
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        if end is not None and end.start() < begin.end():
            end = _END.search(text, begin.end())
        if end is not None and end.start() - begin.end() <= _PEM_LIMIT:
            stop = end.end()
        else:
            body = _PEM_BODY.match(text, begin.end())
            stop = body.end() if body else begin.end()
        out += (text[done : begin.start()], mark("private-key", text[begin.start() : stop]))
        done = stop
    return "".join((*out, text[done:])) if out else text


def opens_key(line: str) -> bool:
    """Whether a private key begins in this line and goes on after it."""
    begin = _BEGIN.search(line)
    return begin is not None and "-----END" not in line[begin.end() :]


def _unless_spared(kind: str, secret: str, mark: Mark) -> str:
    return secret if spared(kind, secret) else mark(kind, secret)


def _userinfo(match: re.Match[str], mark: Mark) -> str:
    """``scheme://user:secret@host`` keeps scheme, user and host; a user alone that is long is a token."""
    userinfo, at, host = match[2].rpartition("@")
    if not at:
        return match[0]
    parts = _SPLIT_USERINFO.fullmatch(userinfo)
    assert parts is not None
    user, secret = parts[1], parts[2]
    if len(user) >= 20 and not PLACEHOLDER.fullmatch(user) and "." not in user and "%40" not in user:
        user = mark("url-user", user)
    if secret is None:
        return f"{match[1]}{user}@{host}"
    return f"{match[1]}{user}:{_unless_spared('url-password', secret, mark)}@{host}"


def _decoded(run: str) -> str | None:
    """The text that base64 stands for, if it is printable text."""
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        plain = base64.b64decode(run + "=" * (-len(run) % 4)).decode()
    except ValueError:  # not ASCII, not base64, not UTF-8
        return None
    return plain if plain.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() else None


def is_userpass(coded: str) -> bool:
    """Whether base64 stands for ``user:password``, as after Basic and under ``auth`` in a Docker configuration."""
    plain = _decoded(coded)
    return plain is not None and ":" in plain


def _coded(run: str, mark: Mark, depth: int) -> str:
    """Base64 whose text holds a secret goes as a whole."""
    plain = _decoded(run)
    if plain is None:
        return run
    found = False

    def note(kind: str, secret: str) -> str:
        nonlocal found
        found = True
        return ""

    redact_text(plain, note, depth + 1)
    return mark("base64", run) if found else run


def _named(text: str, mark: Mark) -> str:
    """``name=value`` in all its spellings, headers, flags, and the words that follow Basic and Bearer."""
    lower = text.lower()
    if len(lower) != len(text):
        # A few letters have longer lower-case forms; positions would no longer agree.
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    out: list[str] = []
    done = 0
    for start, end in NAMES.spans(lower):
        if start < done:
            continue
        word = lower[start:end]
        span = _scheme_span(text, start) if word[:6] in ("basic ", "basic+", "basic%", "bearer") else None
        if span is None:
            span = _value_span(text, start, end, word, done)
        if span is None:
            continue
        kind, first, last = span
        if last - first >= _WORD_LIMIT - 8:
            rest = _BARE.match(text, last)
            last = rest.end() if rest else last
        out += (text[done:first], mark(kind, text[first:last]))
        done = last
    return "".join((*out, text[done:])) if out else text


def _scheme_span(text: str, start: int) -> tuple[str, int, int] | None:
    match = _SCHEME.match(text, start)
    if match is None:
        return None
    secret = match[3].rstrip(".")
    if match[1].lower() == "basic":
        if len(secret) < 6 or not is_userpass(secret):
            return None
        return "basic", match.start(3), match.start(3) + len(secret)
    if len(secret) < 16 or not any(char.isdigit() for char in secret):
        return None
    return "bearer", match.start(3), match.start(3) + len(secret)


def _value_span(text: str, start: int, end: int, word: str, done: int) -> tuple[str, int, int] | None:
    """Type, start and end of the value that belongs to the name ending at ``end``, or None."""
    before = text[max(done, start - 64) : start]
    outside = before.rstrip(_NAME_SIGNS)
    name = before[len(outside) :] + word
    separator = _SEPARATOR.match(text, end)
    if separator is None:
        if not _is_flag(text, start) and _NETRC.search(before) is None:
            return None
        separator = _FLAG_GAP.match(text, end)
        if separator is None:
            return None
    sign = separator[0].strip()[-1:]
    query = word in ("sig", "signature")  # …?X-Amz-Signature=…, not the signature of a commit
    kind = ("signature" if sign == "=" else None) if query else kind_of(name)
    if kind is None:
        return None
    if not separator[0].strip() and (kind != "password" or word == "pass") and not _is_flag(text, start):
        return None  # secret "regcred" not found; to pass "x" through
    at_colon = sign == ":" and separator[0][0] in ": \t"
    if at_colon and outside[-1:] in (":", "/"):
        return None  # arn:aws:secretsmanager:…:secret:name
    first = separator.end()
    opening = _OPEN.match(text, first)
    if opening is not None:
        if at_colon and text[opening.end() : opening.end() + 1] in ",)]};\n ":
            return None  # a label at the end of a quoted text: print("Password:", …)
        first = opening.end()
        last = _closing(text, first, len(opening[1]), opening[2])
        bare = False
    else:
        last = _bare_end(text, first, kind, _LINE_START.search(before) is not None)
        bare = True
    schemed = False
    if kind == "authorization":
        scheme = _WORD.match(text, first, last)
        assert scheme is not None
        schemed = scheme[1] is not None
        first = scheme.end()
        if schemed and bare:
            last = _stop(_BARE, text, first)
    value = text[first:last]
    if word == "pwd" and value.startswith(("/", "~")):
        return None  # the working directory
    if bare and _CALL.match(value):
        return None  # source code: password = read(…)
    if not value or spared(kind, value) or not (schemed or _plausible(kind, value, bare, at_colon)):
        return None
    return kind, first, last


def _is_flag(text: str, start: int) -> bool:
    """Whether the name at ``start`` belongs to ``--name``, whose value follows after a space."""
    return _FLAG.search(text, max(0, start - 64), start) is not None


def _plausible(kind: str, value: str, bare: bool, at_colon: bool) -> bool:
    """Prose must not lose the word after ``token:``, so there it takes a digit and some length.

    What is refused is read again by the next name, so it must be short: no word of prose reaches the limit.
    """
    if len(value) >= _WORD_LIMIT - 8:
        return True
    if kind == "basic":
        return is_userpass(value)
    if kind == "signature":
        return len(value) >= 20
    if bare and kind == "cookie":
        return "=" in value
    if bare and at_colon and kind != "password":
        return len(value) >= 8 and any(char.isdigit() for char in value)
    return True


def _closing(text: str, first: int, slashes: int, quote: str) -> int:
    """Where a quoted value ends. Each level of nesting doubles the backslashes, so their number tells an escaped quote.

    A value that is never closed was cut off: then it goes to the end of the line, or the limit.
    """
    period = 2 * (slashes + 1)
    limit = min(len(text), first + _QUOTED_LIMIT)
    for match in _CLOSE[quote].finditer(text, first, limit):
        extra = len(match[1]) - slashes
        if extra >= 0 and extra % period == 0:
            return match.start() + extra
    line = text.find("\n", first, limit)
    return limit if line < 0 else line


def _bare_end(text: str, first: int, kind: str, line_start: bool) -> int:
    if kind == "cookie":
        last = _stop(_COOKIES, text, first)
    elif kind == "authorization":
        last = _stop(_LINE, text, first)
    else:
        last = _stop(_BARE, text, first)
    if line_start and kind == "password":
        # A line of an environment file: the value may hold any sign.
        while last < len(text) and not text[last].isspace() and last - first < _QUOTED_LIMIT:
            last += 1
    while last > first and text[last - 1] in ").:":
        last -= 1
    return last


def _stop(signs: re.Pattern[str], text: str, first: int) -> int:
    match = signs.match(text, first, first + _WORD_LIMIT)
    assert match is not None
    return match.end()
