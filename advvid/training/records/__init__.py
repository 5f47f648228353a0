"""What a training run writes: checkpoints, history, the folder with all of it."""
