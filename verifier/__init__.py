"""Floor 3: the judge. Takes samples, compares with the store, keeps verdicts, alerts, reports."""
