"""EPSS scores: the daily file as a table, an answer of the API, and a bare row, written after their documentation."""

TABLE = {
    "comment": "#model_version:v2025.03.14,score_date:2026-03-02T12:00:21Z",
    "columns": ["cve", "epss", "percentile"],
    "rows": [
        ["CVE-1999-0001", "0.01297", "0.78532"],
        ["CVE-2026-10001", "0.94", "0.999"],
        ["CVE-2026-10999", "0.00043", "0.1"],
        ["CVE-2026-11000", "0.2", "0.95"],
    ],
}
ANSWER = {
    "status": "OK",
    "status-code": 200,
    "version": "1.0",
    "total": 2,
    "offset": 0,
    "limit": 100,
    "data": [
        {"cve": "CVE-2026-10001", "epss": "0.940000000", "percentile": "0.999000000", "date": "2026-03-02"},
        {"cve": "CVE-2026-0002", "epss": "0.000430000", "percentile": "0.100000000", "date": "2026-03-02"},
    ],
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "daily file": (TABLE, {}),
    "with another offset": (
        {**TABLE, "comment": "#model_version:v2023.03.01,score_date:2024-01-15T00:00:00+0000"},
        {},
    ),
    "answer of the API": (ANSWER, {}),
    "bare row": ({"cve": "CVE-2026-10001", "epss": "0.94", "percentile": "0.999"}, {}),
}
