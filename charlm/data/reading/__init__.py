"""Reading a corpus: sources, files, decoding, normalization, encoding."""
