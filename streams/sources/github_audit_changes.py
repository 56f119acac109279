"""Which actions of GitHub's audit log change something on purpose, and what kind of change that is.

An action is ``category.operation``. People, teams, tokens, keys, applications, protected branches and rule sets are
access; security features, hooks, environments, runners and other settings are configuration; a secret's new value is a
rotation. Of an organisation, enterprise or repository the operation's own words decide. None: alerts (findings of
scanners, which webhooks bring), work on issues and pull requests, Git traffic, runs of workflows, exports, sign-ins.
A merge is none, since the push that it makes comes as a webhook, with its commits.

Names: GitHub documentation, "Audit log events for your organization" and "… for your enterprise".
"""

from __future__ import annotations

import re
from typing import Final

from schemas.events import ChangeKind
from streams.sources.memo import Memo

_VERBS: Final = re.compile(
    r"(?:.*_)?(?:create|update|edit|destroy|delete|add|remove|enable|disable|grant|revoke|deauthorize|authorize|install"
    r"|uninstall|suspend|unsuspend|transfer|rename|archive|unarchive|change|set|clear|block|unblock|invite|register"
    r"|unregister|accept|approve|configure|promote|demote|reset|restore|allow|restrict|require|move|publish|link|unlink)"
    r"(?:e?d)?(?:_.*)?|access|update_.*|policy_override_allowed"
)
_NOT: Final = re.compile(r".*(?:export|download|sso_response|recovery_code|topic|usage_metrics|_start|request_)")
_PEOPLE: Final = re.compile(
    r".*(?:member|user|owner|admin|collaborator|team|role|permission|invit|saml|sso|oidc|two_factor|oauth|ip_allow"
    r"|visibility|access|transfer|credential|token|public_key|deploy_key|fork|ssh|certificate_auth|provision)"
)
_SECRET: Final = re.compile(r"update_(?:actions|integration|codespaces|dependabot)_secret")

_WHOLE: Final = frozenset(("org", "business", "enterprise", "repo", "user", "organization", "account", "environment"))
_CATEGORIES: Final[dict[ChangeKind, str]] = {
    "access": """
        team enterprise_team org_credential_authorization personal_access_token integration integration_installation
        integration_installation_request oauth_application oauth_access oauth_authorization public_key ip_allow_list
        ip_allow_list_entry role organization_role organization_role_assignment custom_role protected_branch
        repository_ruleset ruleset external_group external_identity members_can_create_pages
        members_can_create_public_pages members_can_create_private_pages members_can_delete_repos
        members_can_view_dependency_insights private_repository_forking repository_visibility_change
        organization_default_permission repository_invitation ssh_certificate_authority
        ssh_certificate_requirement two_factor_authentication security_key passkey
        auto_approve_personal_access_token_requests repo_runner_group
    """,
    "configuration": """
        hook dependabot_alerts dependabot_alerts_new_repos dependabot_security_updates
        dependabot_security_updates_new_repos dependency_graph dependency_graph_new_repos repository_dependency_graph
        repository_advisory repository_vulnerability_alerts secret_scanning secret_scanning_new_repos
        secret_scanning_push_protection repository_secret_scanning repository_secret_scanning_push_protection
        repository_secret_scanning_custom_pattern org_secret_scanning_custom_pattern
        business_secret_scanning business_secret_scanning_push_protection business_secret_scanning_custom_pattern
        business_advanced_security org_secret_scanning_push_protection merge_queue actions_cache
        network_configuration enterprise_installation security_configuration required_workflow runner_group
    """,
    "code": "packages",
}
_KINDS: Final = {category: kind for kind, names in _CATEGORIES.items() for category in names.split()}
_BY_NAME: Final[dict[str, ChangeKind]] = {
    "workflows.enable_workflow": "configuration",
    "workflows.disable_workflow": "configuration",
}


def change_of(action: str) -> ChangeKind | None:
    """The kind of change that an action is; None if it is none.

    >>> change_of("org.add_member"), change_of("repo.update_actions_secret"), change_of("git.clone")
    ('access', 'secret_rotation', None)
    """
    return _CHANGES[action]


def _change_of(action: str) -> ChangeKind | None:
    category, _, operation = action.partition(".")
    if action in _BY_NAME:
        return _BY_NAME[action]
    if category in _WHOLE and _SECRET.fullmatch(operation):
        return "secret_rotation"
    if not _VERBS.fullmatch(operation) or _NOT.match(operation):
        return None
    if category in _WHOLE:
        return "access" if category != "environment" and _PEOPLE.match(operation) else "configuration"
    return _KINDS.get(category)


_CHANGES: Memo[str, ChangeKind | None] = Memo(_change_of)
