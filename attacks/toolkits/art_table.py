"""Which evasion attacks of ART (1.20) run on clips, and how."""

from advvid.attacks.toolkits.foreign_recipe import Recipe

_ITERATIVE = Recipe(targets=True)
_L2 = {"norm": 2}

RECIPES: dict[str, Recipe] = {
    "FastGradientMethod": Recipe(step=1 / 3, targets=True),
    "BasicIterativeMethod": _ITERATIVE,
    "MomentumIterativeMethod": _ITERATIVE,
    "ProjectedGradientDescent": _ITERATIVE,
    "ProjectedGradientDescent-L2": Recipe(
        "L2", "L2", attack="ProjectedGradientDescent", step=1 / 3, defaults=_L2, targets=True
    ),
    "ProjectedGradientDescentNumpy": _ITERATIVE,
    "ProjectedGradientDescentPyTorch": _ITERATIVE,
    # The first step of AutoPGD is twice the budget (Croce and Hein 2020, sec. 3.1); ART doubles.
    "AutoProjectedGradientDescent": Recipe(step=1.0, targets=True),
    "AutoProjectedGradientDescent-L2": Recipe(
        "L2", "L2", attack="AutoProjectedGradientDescent", step=1.0, defaults=_L2, targets=True
    ),
    "AutoAttack": Recipe(step=1.0),
    "SquareAttack": Recipe(access="black box"),
    "UniversalPerturbation": Recipe("Linf, one for all"),
    "CarliniL2Method": Recipe("nearest in L2", "none", targets=True),
    "CarliniLInfMethod": Recipe("nearest in Linf", "none", targets=True),
    "ElasticNet": Recipe("nearest in L1", "none", targets=True),
    "DeepFool": Recipe("nearest in L2", "none"),
    "NewtonFool": Recipe("nearest in L2", "none", probabilities=True),
    # Labels handed to it are targets; without, it draws them.
    "SaliencyMapMethod": Recipe("fewest values", "none", targets=True, labels=False),
    "OverTheAirFlickeringPyTorch": Recipe("one color a frame", "none", fold="NTHWC", targets=True),
    "BoundaryAttack": Recipe("nearest in L2", "none", "black box", targets=True),
    "HopSkipJump": Recipe("nearest in L2", "none", "black box", targets=True),
    "SignOPTAttack": Recipe("nearest in L2", "none", "black box", targets=True),
    "SimBA": Recipe(
        "nearest in L2", "none", "black box", targets=True, probabilities=True, one_by_one=True
    ),
    "ZooAttack": Recipe(
        "nearest in L2",
        "none",
        "black box",
        targets=True,
        one_by_one=True,
        defaults={"use_resize": False, "use_importance": False},
    ),
    # Without a number of pixels ART tries up to 127 of them, 40000 passes of a clip each time.
    "PixelAttack": Recipe(
        "pixels of a frame",
        "none",
        "black box",
        fold="height",
        targets=True,
        defaults={"th": 5, "max_iter": 5},
    ),
    # Its default strategy needs the package cma.
    "ThresholdAttack": Recipe(
        "nearest in Linf", "none", "black box", targets=True, defaults={"es": 1}
    ),
    # ART's defaults neither shift nor turn.
    "SpatialTransformation": Recipe(
        "shift and turn",
        "none",
        "black box",
        defaults={
            "max_translation": 10.0,
            "num_translations": 3,
            "max_rotation": 10.0,
            "num_rotations": 3,
        },
    ),
}

SHORT_NAMES: dict[str, str] = {
    "ACG": "AutoConjugateGradient",
    "APGD": "AutoProjectedGradientDescent",
    "APGD-L2": "AutoProjectedGradientDescent-L2",
    "AutoPGD": "AutoProjectedGradientDescent",
    "BIM": "BasicIterativeMethod",
    "Boundary": "BoundaryAttack",
    "CarliniL0": "CarliniL0Method",
    "CarliniL2": "CarliniL2Method",
    "CarliniLInf": "CarliniLInfMethod",
    "CW": "CarliniL2Method",
    "EAD": "ElasticNet",
    "FGM": "FastGradientMethod",
    "FGSM": "FastGradientMethod",
    "Flickering": "OverTheAirFlickeringPyTorch",
    "FrameSaliency": "FrameSaliencyAttack",
    "HSJ": "HopSkipJump",
    "JSMA": "SaliencyMapMethod",
    "MIFGSM": "MomentumIterativeMethod",
    "MIM": "MomentumIterativeMethod",
    "PGD": "ProjectedGradientDescent",
    "PGD-L2": "ProjectedGradientDescent-L2",
    "Pixel": "PixelAttack",
    "SignOPT": "SignOPTAttack",
    "Square": "SquareAttack",
    "Threshold": "ThresholdAttack",
    "UAP": "UniversalPerturbation",
    "VAT": "VirtualAdversarialMethod",
    "ZOO": "ZooAttack",
}

_PATCH = "it makes a patch to paste, not clips: use masked-pgd"
_GUIDE = "it steers towards features of another clip, which has to be given"
_DETECTOR = "it is for object detectors"
_SPEECH = "it is for speech recognizers"
_TENSORFLOW = "it is for TensorFlow"
_CONJUGATE = "its Linf step forgets the sign of the gradient and hardly moves"

REFUSED: dict[str, str] = {
    "AdversarialPatch": _PATCH,
    "AdversarialPatchNumpy": _PATCH,
    "AdversarialPatchPyTorch": _PATCH,
    "AdversarialPatchTensorFlowV2": _TENSORFLOW,
    "AdversarialTexturePyTorch": "it is for object trackers",
    "AutoConjugateGradient": _CONJUGATE,
    "CarliniL0Method": "on clips it leaves every pixel changed: use art/SaliencyMapMethod",
    "CarliniWagnerASR": _SPEECH,
    "CompositeAdversarialAttackPyTorch": "it turns and recolors pictures of three channels",
    "DPatch": _DETECTOR,
    "DecisionTreeAttack": "it is for decision trees",
    "FeatureAdversariesNumpy": _GUIDE,
    "FeatureAdversariesPyTorch": _GUIDE,
    "FeatureAdversariesTensorFlowV2": _TENSORFLOW,
    "FrameSaliencyAttack": "one mask serves all clips of a batch: use advvid's own frame saliency",
    "GRAPHITEBlackbox": "it places stickers on one picture, whose outline has to be given",
    "GRAPHITEWhiteboxPyTorch": "it places stickers on one picture, whose outline has to be given",
    "GeoDA": "it writes files to the working folder, and needs numpy below 2",
    "HighConfidenceLowUncertainty": "it is for Gaussian processes",
    "ImperceptibleASR": _SPEECH,
    "ImperceptibleASRPyTorch": _SPEECH,
    "LaserAttack": "it draws laser beams on one picture, by a generator that has to be given",
    "LowProFool": "it is for tables, with an importance of each column",
    "MalwareGDTensorFlow": _TENSORFLOW,
    "OverloadPyTorch": _DETECTOR,
    "ProjectedGradientDescentTensorFlowV2": _TENSORFLOW,
    "RescalingAutoConjugateGradient": _CONJUGATE,
    "RobustDPatch": _DETECTOR,
    "SNAL": _DETECTOR,
    "ShadowAttack": "its smoothness is that of one picture, of which it needs hundreds of copies",
    "TargetedUniversalPerturbation": "it is only targeted: use art/UniversalPerturbation",
    "VirtualAdversarialMethod": "its finite differences, one a pixel, are lost in float32",
    "Wasserstein": "its eps is no distance of pixels, so no budget compares with it",
}
"""Name -> why it is not offered."""

HIDDEN = (
    "norm",
    "targeted",
    "batch_size",
    "verbose",
    "verbose_es",
    "summary_writer",
    "parallel_pool_size",
    "eval_perform",
)
"""Arguments that are not the user's; the norm is part of the name."""
