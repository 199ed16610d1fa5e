"""What a request is: entity read, entity write, or not ours (wikibase.md sections 0-2)."""
