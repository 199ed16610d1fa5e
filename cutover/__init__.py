"""Floor 4: the `cutover` command, one verb per file, and the wiring of the programs."""
