"""Online models: each scores, then learns, and explains its score. They know nothing of Kafka or of units."""
