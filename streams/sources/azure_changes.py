"""Which operations of Azure Resource Manager and of Microsoft Entra change something, and what kind of change that is.

An operation is ``provider/type/…/verb``, in any case. ``write`` and ``delete`` alter a resource; of actions only those
listed do, since most read (``listKeys``), ask (``validate``) or do a piece of work (``runCommand``). What Azure Policy
does, tags, jobs and tickets are none. The longest listed beginning decides the kind, else infrastructure.

Of Entra's audit log the category says what was altered, and the operation type, or the first word, that it was.

Sources: Azure documentation, "Azure resource provider operations"; Microsoft Entra, "Audit log activities".
"""

from __future__ import annotations

import re
from typing import Final

from schemas.events import ChangeKind
from streams.sources.memo import Memo

_KINDS: Final[dict[ChangeKind, str]] = {
    "access": """
        microsoft.authorization/ microsoft.managedidentity/ microsoft.keyvault/vaults/accesspolicies/
        microsoft.managedservices/ microsoft.storage/storageaccounts/localusers/ microsoft.aad/
    """,
    "policy_exception": "microsoft.authorization/policyexemptions/",
    "configuration": """
        microsoft.insights/ microsoft.operationalinsights/ microsoft.security/ microsoft.securityinsights/
        microsoft.appconfiguration/ microsoft.automation/ microsoft.alertsmanagement/ microsoft.policyinsights/
        microsoft.web/sites/config/ microsoft.web/sites/slots/config/ microsoft.keyvault/vaults/secrets/
        microsoft.keyvault/vaults/keys/ microsoft.maintenance/ microsoft.apimanagement/service/policies/
    """,
    "feature_flag": "microsoft.appconfiguration/configurationstores/keyvalues/",
    "secret_rotation": "microsoft.keyvault/vaults/secrets/write microsoft.keyvault/vaults/keys/write",
    "deploy": """
        microsoft.app/containerapps/write microsoft.app/jobs/write microsoft.web/sites/deployments/
        microsoft.web/sites/slots/deployments/ microsoft.web/sites/functions/ microsoft.web/sites/extensions/
        microsoft.web/sites/publish/ microsoft.web/sites/slotsswap/ microsoft.web/sites/slots/slotsswap/
        microsoft.containerinstance/containergroups/write microsoft.appplatform/spring/apps/deployments/
    """,
    "code": "microsoft.containerregistry/registries/importimage/ microsoft.containerregistry/registries/builds/",
}
_BEGINNINGS: Final = sorted(
    ((start, kind) for kind, starts in _KINDS.items() for start in starts.split()), key=lambda each: -len(each[0])
)
_NEVER: Final = (
    "microsoft.authorization/policies/",
    "microsoft.resources/tags/",
    "microsoft.resources/checkpolicycompliance/",
    "microsoft.support/",
    "microsoft.advisor/",
    "microsoft.portal/",
    "microsoft.resourcehealth/",
    "microsoft.servicehealth/",
    "microsoft.costmanagement/",
    "microsoft.automation/automationaccounts/jobs/",
)
_INSIDE: Final[dict[str, ChangeKind]] = {
    "/rbac.authorization.k8s.io/": "access",
    "/providers/microsoft.authorization/": "access",
    "/diagnosticsettings/": "configuration",
}
_ACTIONS: Final = re.compile(
    r"start|poweroff|restart|deallocate|redeploy|reimage|stop|upgrade|failover|publish|slotsswap|importimage|restore"
    r"|moveresources|enable|disable|applynetworkconfig|elevateaccess|resetpassword|purge|undelete"
)
_ROTATES: Final = re.compile(r"(?:regenerate|rotate|renew)[a-z]*")


def change_of(operation: str) -> ChangeKind | None:
    """The kind of change that a successful operation makes, in lower case; None if it makes none.

    >>> change_of("microsoft.authorization/roleassignments/write"), change_of("microsoft.compute/virtualmachines/read")
    ('access', None)
    """
    return _CHANGES[operation]


def _change_of(operation: str) -> ChangeKind | None:
    path, _, verb = operation.rpartition("/")
    if verb not in ("write", "delete", "action") or operation.startswith(_NEVER):
        return None
    if verb == "action":
        action = path.rpartition("/")[2]
        if _ROTATES.fullmatch(action):
            return "secret_rotation"
        if not _ACTIONS.fullmatch(action):
            return None
    for part, kind in _INSIDE.items():
        if part in operation:
            return kind
    for start, kind in _BEGINNINGS:
        if operation.startswith(start):
            return kind
    return "infrastructure"


_CHANGES: Memo[str, ChangeKind | None] = Memo(_change_of)

_ALTERS: Final = frozenset(("add", "update", "delete", "assign", "unassign", "create", "remove", "restore"))
_FIRST_WORDS: Final = re.compile(
    r"(?i:add|update|delete|remove|create|set|enable|disable|assign|unassign|change|reset|consent|restore|invite"
    r"|grant|revoke|convert|promote|demote|verify|user has elevated|hard delete|admin)(?:e?d)?\b"
)
_SECRETS: Final = re.compile(r"(?i:.*(?:credentials|certificates and secrets|password credential|key credential).*)")
_SETTINGS: Final = frozenset(("DirectoryManagement", "Device", "DeviceConfiguration", "Other", "WorkflowManagement"))
_NO_CHANGE: Final = frozenset(("ProvisioningManagement", "UserAuthentication", "IdentityProtection", "Authentication"))


def change_of_directory(category: str, operation_type: str, name: str) -> ChangeKind | None:
    """The kind of change that a successful activity of Entra's audit log is; None if it is none.

    >>> change_of_directory("RoleManagement", "Assign", "Add member to role")
    'access'
    """
    if category in _NO_CHANGE or not (operation_type.lower() in _ALTERS or _FIRST_WORDS.match(name)):
        return None
    if category == "ApplicationManagement" and _SECRETS.fullmatch(name):
        return "secret_rotation"
    return "configuration" if category in _SETTINGS else "access"
