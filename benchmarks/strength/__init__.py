"""How strong attacks are at equal cost: advvid's, torchattacks' and foolbox's."""
