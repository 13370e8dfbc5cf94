"""Drawing results: learning curves and other figures."""
