"""How good the engine's answers are, on labelled data of others: one file an evaluation, ``weir eval NAME``.

Labels never reach the engine: a stream is read, its labels are set apart, the engine gets the rest, and its answer is
scored against what was set apart.
"""
