"""Floor 1: pure decisions. Time, seed and facts come in as arguments.

Routes (what a request is), phases and plans (who answers it), samples and
verdicts as values, difference, parity statistics.
"""
