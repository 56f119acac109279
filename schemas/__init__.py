"""The contracts between Weir's parts and with the outside: pydantic models, nothing else.

``events`` is what enters the fold (one discriminated union), ``unit`` what leaves it, ``dead_letter`` what was refused.
``schemas.export`` writes the JSON Schemas in ``schemas/json``.
"""
