"""From files to batches: reading, encoding, splitting and batching a corpus."""
