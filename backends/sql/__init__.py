"""One way to run named statements, whatever the database."""
