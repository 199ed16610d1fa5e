"""A sample wiki on loopback and the demonstration that drives real traffic through the proxy."""
