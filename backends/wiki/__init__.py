"""The wiki's side: its HTTP APIs (and, later, its database)."""
