"""Which attacks of torchattacks (3.3) run on clips, and how.

All of them see time folded into channels or height: on five axes several fail, and the momentum
attacks and PGDL2 silently take their norms over the wrong axes.
"""

from advvid.attacks.toolkits.foreign_recipe import Recipe

_ITERATIVE = Recipe(targets=True)
_L2 = {"norm": "L2"}
_NEWER = "it came with torchattacks 3.4, advvid is made for 3.3"

RECIPES: dict[str, Recipe] = {
    "VANILA": Recipe("nothing changes", access="control"),
    "GN": Recipe("nothing (noise)", norm="none", access="control"),
    "FGSM": _ITERATIVE,
    "BIM": _ITERATIVE,
    "RFGSM": _ITERATIVE,
    "PGD": _ITERATIVE,
    "EOTPGD": _ITERATIVE,
    # One step, a quarter longer than the budget (Wong et al. 2020, "Fast is better than free").
    "FFGSM": Recipe(step=1.25, targets=True),
    "TPGD": Recipe(),
    "MIFGSM": _ITERATIVE,
    "UPGD": _ITERATIVE,
    "APGD": Recipe(),
    "APGD-L2": Recipe("L2", "L2", attack="APGD", defaults=_L2),
    "APGDT": Recipe(),
    "APGDT-L2": Recipe("L2", "L2", attack="APGDT", defaults=_L2),
    "DIFGSM": Recipe(targets=True, square=True),
    "Jitter": _ITERATIVE,
    "NIFGSM": _ITERATIVE,
    "PGDRS": _ITERATIVE,
    "SINIFGSM": _ITERATIVE,
    "VMIFGSM": _ITERATIVE,
    "VNIFGSM": _ITERATIVE,
    "CW": Recipe("nearest in L2", "none"),
    "PGDL2": Recipe("L2", "L2", step=0.2, targets=True),
    "PGDRSL2": Recipe("L2", "L2", step=0.2, targets=True),
    "DeepFool": Recipe("nearest in L2", "none"),
    "SparseFool": Recipe("fewest values", "none"),
    "OnePixel": Recipe("pixels of a frame", "none", "black box", fold="height", targets=True),
    "FAB": Recipe(),
    "FAB-L2": Recipe("L2", "L2", attack="FAB", defaults=_L2),
    "AutoAttack": Recipe(),
    "AutoAttack-L2": Recipe("L2", "L2", attack="AutoAttack", defaults=_L2),
    "Square": Recipe(access="black box", targets=True),
    "Square-L2": Recipe("L2", "L2", "black box", attack="Square", defaults=_L2, targets=True),
}

REFUSED: dict[str, str] = {
    "TIFGSM": "its kernel is for the three channels of a picture and blurs across frames of clips",
    "Pixle": "it takes pictures of three channels and confuses rows with columns",
    "JSMA": "it needs a Jacobian of every pixel, which no clip fits into",
    "MultiAttack": "it is a list of attacks: name several, the worst case is reported",
    "LGV": "it trains models of its own and needs their training data",
    "EADEN": _NEWER,
    "EADL1": _NEWER,
    "PIFGSM": _NEWER,
    "PIFGSMPP": _NEWER,
    "SPSA": _NEWER,
}
"""Name -> why it is not offered."""

HIDDEN = ("norm", "seed", "verbose", "n_classes")
"""Arguments that are not the user's; the norm is part of the name."""
