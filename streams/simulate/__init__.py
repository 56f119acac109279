"""A seeded, realistic scenario in vendor formats: the demo's input, the tests' input, and the load generator.

Pure: no I/O, no clock; all randomness comes from the seed.

>>> from datetime import UTC, datetime
>>> scenario = Scenario(7, start=datetime(2026, 3, 2, 8, tzinfo=UTC), hours=6)
>>> next(scenario.messages()).source
'cloudtrail'
"""

from streams.simulate.contention import Contention
from streams.simulate.message import Message
from streams.simulate.scenario import Delivery, Scenario
from streams.simulate.truth import natural_key

__all__ = ["Contention", "Delivery", "Message", "Scenario", "natural_key"]
