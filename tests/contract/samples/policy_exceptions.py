"""Policy exceptions: a control that is waived, an accepted vulnerability without end."""

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "waived control": (
        {
            "id": "EX-7",
            "created_at": "2026-03-01T09:00:00Z",
            "control": "waf",
            "component": "pay",
            "requested_by": "ada",
            "approved_by": "grace",
            "reason": "The new checkout is blocked by a rule that is being rewritten.",
            "valid_from": "2026-03-01T12:00:00Z",
            "valid_to": "2026-03-08T12:00:00Z",
        },
        {},
    ),
    "accepted": (
        {
            "id": "EX-8",
            "created_at": "2026-03-01T09:00:00+01:00",
            "control": "CVE-2026-10001",
            "component": "component:default/pay",
            "requested_by": "ada",
            "approved_by": None,
            "reason": "Not reachable.",
            "valid_to": None,
        },
        {},
    ),
}
