"""From text to batches: reading a corpus, splitting and encoding it, and cutting it into chunks for training.

The flow is ``sources`` (bytes to text), ``split`` (the tail is held out), ``vocab`` (characters to codes),
``prepare`` (the three together) and ``streams`` (codes to batches).
"""
