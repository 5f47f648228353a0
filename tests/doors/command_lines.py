"""Command lines that cannot be carried out, and a word that the message has to hold."""

from dataclasses import dataclass

LONG = "a" * 100_000


@dataclass(frozen=True)
class BadLine:
    """A command line.

    Args:
        line: without `advvid`.
        says: what the message has to name.
        late: it needs the model or the data, so that it may take seconds.
    """

    line: tuple[str, ...]
    says: str
    late: bool = False

    @property
    def name(self) -> str:
        return " ".join(word if len(word) < 40 else f"{word[:37]}..." for word in self.line)


# Values that no option with a number takes.
_NUMBERS = ("", "abc", "nan", "1e", "0x10", "²", "1,5,", "--", "1;2")
_COUNTS = ("-1", "0", "1.5", "ten", "nan", "inf", "²", "", "1e3", "9" * 30)
# Of clips, 0 is all of them, and too many are as many as there are, with a note.
_CLIPS = tuple(value for value in _COUNTS if value != "0" and len(value) < 20)
_BUDGETS = ("4;8", "abc", "-1", "256", "nan", "inf", "4,,8", "", "²", "1e99", "4/0")
_WORDS = ("", "qwertz", LONG, "3")

_METHODS = {
    "--attack": (
        ("pdg", "pgd"),
        ("", "attack"),
        (LONG, "attack"),
        ("pgd:max_itr=3", "max_iter"),
        ("pgd:max_iter=many", "max_iter"),
        ("pgd:max_iter=0", "max_iter"),
        ("pgd:max_iter=1.5", "max_iter"),
        ("pgd:max_iter", "max_iter"),
        ("pgd:eps=0", "eps"),
        ("pgd:eps=nan", "eps"),
        ("pgd:eps=2", "eps"),
        ("pgd:eps=8/255,eps=4/255", "eps"),
        ("pgd:loss=xe", "loss"),
        ("pgd:early_stop=maybe", "early_stop"),
        ("pgd:loss=[ce", "bracket"),
        ("masked-pgd:ratio=0", "ratio"),
        ("masked-pgd:ratio=2", "ratio"),
        ("masked-pgd:size=4", "size"),
        ("masked-pgd:corner=middle", "corner"),
        ("masked-pgd:motion=fast", "motion"),
        ("masked-pgd:corner=search,shared=yes", "shared"),
        ("masked-pgd:corner=1x1,motion=linear", "motion"),
        ("frame-border:thickness=thin", "thickness"),
        ("square:queries=-5", "queries"),
        ("square:share=nan", "share"),
        ("torchattacks/NoSuch", "NoSuch"),
        ("art/NoSuch", "NoSuch"),
        ("nowhere.at.all:Attack", "nowhere.at.all"),
        ("builtins:Int", "builtins"),
        ("json.decoder:JSONDecoder", "JSONDecoder"),
    ),
    "--condition": (
        ("samplig", "sampling"),
        ("sampling:clips=0", "clips"),
        ("sampling:clips=x", "clips"),
        ("sampling:kind=dens", "kind"),
        ("sampling:klips=3", "clips"),
        ("nowhere.at.all:Thing", "nowhere.at.all"),
    ),
    "--defense": (
        ("att", "at"),
        ("", "defense"),
        ("at:epz=4", "eps"),
        ("at:eps=foo", "eps"),
        ("at:eps=400", "eps"),
        ("at:eps=nan", "eps"),
        ("at:eps=-4", "eps"),
        ("at:attack_steps=0", "attack steps"),
        ("at:attack_steps=x", "attack_steps"),
        ("aat:update_every=0", "update_every"),
        ("trades:beta=x", "beta"),
        ("free:replays=0", "replays"),
        ("cat:direction=left", "direction"),
        ("nowhere.at.all:Defense", "nowhere.at.all"),
    ),
    "--model": (
        ("motion-r3d", "motions-r3d"),
        ("", "model"),
        (LONG, "model"),
        ("torchvision/r3d_81", "r3d_18"),
        ("r3d_18", "torchvision/r3d_18"),
        ("tsm/resnet5", "resnet50"),
        ("nowhere.at.all:model", "nowhere.at.all"),
        ("builtins:nothing", "builtins"),
    ),
    "--data": (
        ("motoins", "motions"),
        ("", "data"),
        ("motions:abc", "motions"),
        ("motions:-3", "motions"),
        ("motions:10000000000000", "motions"),
        ("folder:/no/such/folder", "/no/such/folder"),
        ("folder:", "folder"),
        ("ucf11:/no/such/folder", "/no/such/folder"),
        ("ucf101:/no/such/folder", "/no/such/folder"),
        ("missing.mp4", "missing.mp4"),
        ("/no/such/file.mp4", "/no/such/file.mp4"),
    ),
}


def _each(command: str, option: str, values: tuple[str, ...], says: str = "") -> list[BadLine]:
    head = tuple(command.split())
    return [BadLine((*head, option, value), says or option) for value in values]


def _methods(command: str, option: str) -> list[BadLine]:
    head = tuple(command.split())
    return [BadLine((*head, option, value), says) for value, says in _METHODS[option]]


LINES = [
    BadLine(("evalaute",), "evaluate"),
    BadLine(("evaluate", "--bogus"), "--bogus"),
    BadLine(("evaluate", "extra"), "extra"),
    BadLine(("evaluate", "--attack"), "--attack"),
    BadLine(("--nothing",), "--nothing"),
    BadLine(("attacks", "pdg"), "pgd"),
    BadLine(("attacks", ""), "attack"),
    BadLine(("attacks", LONG), "attack"),
    BadLine(("defenses", "att"), "at"),
    BadLine(("conditions", "samplig"), "sampling"),
    BadLine(("augmentations", "flipp"), "flip"),
    *_methods("evaluate", "--attack"),
    *_methods("attack", "--attack"),
    *_methods("evaluate", "--condition"),
    *_methods("train", "--defense"),
    *_methods("evaluate", "--model"),
    *_methods("train", "--model"),
    *_methods("evaluate", "--data"),
    *_methods("train", "--data"),
    *_each("evaluate", "--eps", _BUDGETS),
    *_each("sweep-step-size", "--eps", (*_BUDGETS, "0")),
    *_each("attack", "--eps", (*_BUDGETS, "0", "4,8")),
    *_each("train --defense at", "--eps", ("abc", "-1", "256", "nan", ""), "eps"),
    *_each("sweep-step-size", "--alphas", ("", "0.1x,2", "abc", "0", "-1x", "nan", "infx")),
    *_each("sweep-step-size", "--steps", _COUNTS),
    *_each("sweep-step-size", "--loss", _WORDS, "loss"),
    *_each("sweep-step-size", "--clips", (*_CLIPS, "0")),
    *_each("sweep-step-size", "--law", ("/no/such/folder/law.json",), "law.json"),
    *_each("evaluate", "--clips", _CLIPS),
    *_each("evaluate", "--batch-size", _COUNTS),
    *_each("evaluate", "--eot", _COUNTS),
    *_each("evaluate", "--h264", ("-1", "52", "x", "1.5", "nan"), "h264"),
    *_each("evaluate", "--devices", _COUNTS),
    *_each("evaluate", "--workers", ("-1", "x", "1.5", "9" * 30)),
    *_each("evaluate", "--pictures", ("-1", "x", "1.5")),
    *_each("evaluate", "--seed", ("x", "1.5", "", "nan")),
    *_each("evaluate", "--law", ("missing.json", "."), "law"),
    *_each("evaluate", "--device", ("", "gpu0", "cpu:7", "cuda:99", LONG), "device"),
    *_each("evaluate", "--precision", ("fp61", "", LONG), "precision"),
    *_each("evaluate", "--weights", ("missing.pt", "missing.safetensors", ".")),
    *_each("evaluate", "--split", ("tset", "", LONG), "split"),
    *_each("evaluate", "--labels", ("ture", "", "3"), "labels"),
    *_each("evaluate", "--sampling", ("unform", "", LONG), "sampling"),
    *_each("evaluate", "--on-bad-video", ("rise", ""), "on"),
    *_each("evaluate", "--frames", _COUNTS),
    *_each("evaluate", "--size", _COUNTS),
    *_each("evaluate", "--fold", ("x", "1.5", "3"), "fold"),
    *_each("attack", "--target", ("²", "nobody", "-1", "99", LONG), "class"),
    *_each("evaluate --attack pgd", "--target", ("²", "nobody", "-1", "99", "", LONG), "class"),
    BadLine(("evaluate", "--attack", "apgd-t", "--target", "random"), "apgd-t"),
    *_each("attack", "--fps", _COUNTS),
    *_each("attack", "--clips", _CLIPS),
    *_each("train", "--epochs", _COUNTS),
    *_each("train", "--batch-size", _COUNTS),
    *_each("train", "--lr", ("0", "-1", "nan", "inf", "x", "")),
    *_each("train", "--optimizer", ("adm", "", LONG)),
    *_each("train", "--schedule", ("cosin", "")),
    *_each("train", "--ema", ("0", "1", "2", "x")),
    *_each("train", "--weight-decay", ("-1", "nan", "x")),
    *_each("train", "--label-smoothing", ("-0.1", "1", "x")),
    *_each("train", "--augment", ("flp", "flip:probability=2", "flip:probabilty=1"), "fl"),
    *_each("train", "--nodes", ("0", "-1", "x")),
    *_each("train", "--devices", ("0", "-1", "x")),
    *_each("train", "--val-eps", ("-1", "256", "x", "nan")),
    *_each("train", "--val-clips", ("-1", "x")),
    *_each("train", "--val-steps", ("0", "-1", "x")),
    BadLine(("train", "--resume"), "--out"),
    BadLine(("train", "--eps", "4"), "--defense"),
    BadLine(("train", "--defense", "at:eps=4", "--eps", "4"), "eps"),
    BadLine(("train", "--defense", "at", "--replays", "3"), "--replays"),
    *_each("reproduce table1", "--scale", ("smal", "", LONG), "scale"),
    *_each("reproduce table1", "--rows", ("at-9-eps", "", LONG), "row"),
    *_each("reproduce table1", "--keep", ("first", ""), "keep"),
    *_each("reproduce table1", "--epochs", _COUNTS),
    *_each("reproduce table1", "--clips", _COUNTS),
    BadLine(("reproduce", "table9"), "table"),
    BadLine(("reproduce",), "TABLE"),
    BadLine(("reproduce", "table1", "--scale", "ucf101"), "data"),
]
