"""Training: the loop, its losses, phases and checkpoints."""
