"""Online models: each scores, then learns, and explains its score. They know nothing of Kafka or of units.

``Suite`` is what the engine runs; ``text`` turns a verdict's parts into words.
"""

from models.base import Detector as Detector
from models.burst import Burst as Burst
from models.rarity import Rarity as Rarity
from models.reason import Part as Part
from models.reason import text as text
from models.suite import DETECTORS as DETECTORS
from models.suite import STANDARD as STANDARD
from models.suite import Suite as Suite
from models.suite import Verdict as Verdict
