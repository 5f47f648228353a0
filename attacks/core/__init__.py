"""What attacks are made of: the base class, the box of a budget, losses, masks, steps."""
