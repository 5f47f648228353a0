"""What `advvid attack` writes: adversarial clips, and whole videos with them in place."""
