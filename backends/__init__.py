"""Floor 2: everything that talks to another machine or a disk."""
