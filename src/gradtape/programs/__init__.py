"""Programs: what a function did once, as a small graph that runs again at the machine's speed."""
