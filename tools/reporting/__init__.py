"""Makes answers of measurements: the report, advice and capacity. Measures nothing itself; tools/comparison does
that."""
