"""PyTorch: the only room that imports torch, which is optional."""
