"""HTTP/1.1 on the wire: strict heads, body framing, relaying. Knows nothing of wikis."""
