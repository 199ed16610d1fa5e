"""Floor 3: what will replace RecentChanges and watchlists. Not built yet."""
