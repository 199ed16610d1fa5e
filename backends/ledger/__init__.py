"""The tables in which the programs meet: revisions, checkpoints, samples, verdicts, findings."""
