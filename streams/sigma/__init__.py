"""Sigma: detection and correlation rules in the SigmaHQ format, compiled to predicates that run in this process.

``load`` is the entry at start (texts to rules, each failure with its file, document, place and reason), ``rule_set``
the one per event: ``RuleSet(rules).detect(document, source)``.

Where detections see the event: at ingest, on **the vendor's own document** after redaction, since rules are written in
the vendor's field names and the log keeps normalised events only. A rule with ``logsource: {product: weir}`` is
evaluated on the **normalised event** instead (``normalised``): its own fields, and ``entity.<kind>`` for what it is
about; such a rule holds for every source. What a rule finds becomes a ``Finding`` of kind ``detection``
(``finding``), so correlation rules, which are compiled to ``schemas.rule.Rule`` (``correlate``), are over findings.

pySigma parses and is needed only while rules are compiled; per event the standard library does the work, but for
regular expressions, which RE2 matches in time linear in the text.
"""
