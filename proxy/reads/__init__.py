"""Entity reads answered from the store, in place of the wiki (docs/reads-from-the-store.md)."""
