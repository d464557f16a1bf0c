"""What runs on the data center: benchmark and training programs. Imports nothing else of the toolkit."""
