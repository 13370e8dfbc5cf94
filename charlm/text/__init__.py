"""From files to batches: reading a corpus, encoding it, dividing it, and cutting it into chunks for training.

The flow is ``sources`` (what is named) to ``members`` (blocks of bytes), ``decoding`` and ``rewriting`` (pieces
of text), ``documents`` (their ends marked), ``passes`` (counted, then encoded) into the ``cache``: a ``prepared``
corpus in codes of its ``alphabet``. ``split`` divides it into parts, ``vocab`` says what the model knows of its
symbols, and ``streams`` makes batches. Nothing that is in memory grows with the text.
"""
