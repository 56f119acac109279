"""Secrets that are known by their shape, whatever stands around them.

Prefixes and lengths are those that the issuers publish; they were compared with the rules of gitleaks 8 (MIT,
``config/gitleaks.toml``). No pattern works by entropy, because commit ids, digests and trace ids are the join keys.

Every expression is linear: it starts with a literal or a few fixed places, and after a repeat without bound nothing may
fail. Where more has to be checked, the expression takes the whole run and a group says whether it was one.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    """One type of secret: the whole match is replaced if the group ``proof``, where there is one, took part."""

    kind: str
    literals: tuple[str, ...]
    regex: re.Pattern[str]
    proof: int = 0


def _pattern(kind: str, literals: str, body: str, *, alone: bool = False, proof: int = 0) -> Pattern:
    """Literals (separated by blanks), then the body. ``alone``: not in the middle of a word."""
    words = tuple(literals.split())
    starts = []
    for word in words:
        literal = re.escape(word)
        # The check stands behind the literal, so that the search can jump from literal to literal.
        # In undecoded JSON a word may follow an escape such as \n.
        edge = rf"(?:(?<![A-Za-z0-9_-]{literal})|(?<=\\[nrt]{literal}))" if alone else ""
        starts.append(literal + edge)
    start = starts[0] if len(starts) == 1 else f"(?:{'|'.join(starts)})"
    return Pattern(kind, words, re.compile(start + body, re.ASCII), proof)


PATTERNS: tuple[Pattern, ...] = (
    _pattern("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,}"),
    _pattern("github-token", "github_pat_", r"\w{40,}"),
    _pattern("gitlab-token", "glpat- gldt- glrt- glptt- glcbt- gloas- glsoat- GR1348941", r"[A-Za-z0-9_.-]{20,}"),
    _pattern("slack-token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", r"[A-Za-z0-9-]{10,}"),
    _pattern("slack-webhook", "hooks.slack.com", r"\\?/(?:services|workflows|triggers)\\?/[A-Za-z0-9+/\\_-]{20,}"),
    _pattern("teams-webhook", ".webhook.office.com", r"\\?/webhookb2\\?/[A-Za-z0-9@/\\-]{40,}"),
    _pattern("google-api-key", "AIza", r"[A-Za-z0-9_-]{35,}"),
    _pattern("google-oauth", "GOCSPX- ya29.", r"[A-Za-z0-9_.-]{20,}"),
    _pattern("aws-session-token", "IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz", r"[A-Za-z0-9/+=%_-]{40,}"),
    Pattern("azure-client-secret", ("Q~",), re.compile(r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,}", re.ASCII)),
    _pattern("jwt", "eyJ", r"[\w-]{8,}+(\.[\w-]*+\.[\w-]*+(?:\.[\w-]*+){0,2})?", proof=1),
    _pattern("stripe-key", "sk_live_ rk_live_ sk_test_ rk_test_ whsec_", r"[A-Za-z0-9]{16,}"),
    _pattern("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{30,}"),
    _pattern("npm-token", "npm_", r"[A-Za-z0-9]{36,}"),
    _pattern("pypi-token", "pypi-AgE", r"[A-Za-z0-9_-]{40,}"),
    _pattern("docker-token", "dckr_pat_ dckr_oat_", r"[A-Za-z0-9_-]{20,}"),
    _pattern("twilio-key", "SK", r"[0-9a-f]{32}(?![0-9A-Za-z])", alone=True),
    _pattern("mailgun-key", "key-", r"[0-9a-f]{32}(?![0-9A-Za-z])", alone=True),
    _pattern("hugging-face-token", "hf_ api_org_", r"[A-Za-z0-9]{30,}", alone=True),
    _pattern("openai-key", "sk-proj- sk-svcacct- sk-admin- sk-or-v1-", r"[A-Za-z0-9_-]{20,}", alone=True),
    _pattern("anthropic-key", "sk-ant-", r"[A-Za-z0-9_-]{20,}", alone=True),
    _pattern("openai-key", "sk-", r"[A-Za-z0-9]{32,}", alone=True),
    _pattern("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{40,}"),
    _pattern("heroku-key", "HRKU-", r"[A-Za-z0-9_-]{30,}"),
    _pattern("vault-token", "hvs. hvb.", r"[A-Za-z0-9_-]{24,}", alone=True),
    Pattern("terraform-token", (".atlasv1.",), re.compile(r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}", re.ASCII)),
    _pattern("grafana-token", "glsa_ glc_", r"[A-Za-z0-9_+/=]{32,}"),
    _pattern("databricks-token", "dapi", r"[0-9a-f]{32}(?![0-9A-Za-z])", alone=True),
    _pattern("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[A-Fa-f0-9]{32,}"),
    _pattern("new-relic-key", "NRAK-", r"[A-Za-z0-9]{27,}"),
    _pattern("atlassian-token", "ATATT3", r"[A-Za-z0-9_=-]{60,}"),
    _pattern("age-key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{40,}"),
    _pattern("sentry-token", "sntrys_ sntryu_", r"[A-Za-z0-9_+/=]{40,}"),
    _pattern("rubygems-key", "rubygems_", r"[0-9a-f]{40,}"),
    _pattern("postman-key", "PMAK-", r"[A-Za-z0-9-]{40,}"),
    _pattern("pulumi-token", "pul-", r"[0-9a-f]{40}(?![0-9A-Za-z])", alone=True),
    _pattern("doppler-token", "dp.pt. dp.st.", r"[A-Za-z0-9._-]{36,}", alone=True),
    _pattern("dynatrace-token", "dt0c01.", r"[A-Za-z0-9.]{64,}"),
    _pattern("linear-key", "lin_api_", r"[A-Za-z0-9]{32,}"),
    _pattern("planetscale-token", "pscale_", r"(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}"),
)
