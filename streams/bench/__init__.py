"""Speed and memory, measured: the pure parts stage by stage, and the deployed processes on a broker.

``weir bench`` prints what is measured here. Figures are CPU time (user and system) unless they say otherwise, so that
a neighbour's work on the same machine shows in the rates more than in them; it still shows in both, through the caches.
"""
