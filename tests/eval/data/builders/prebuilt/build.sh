# Frozen for the golden tests: never run.
