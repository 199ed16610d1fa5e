"""Floor 3: the movers of history from the wiki into the store."""
