"""Where patches and borders lie: drawn, or searched for what is worst for the model."""
