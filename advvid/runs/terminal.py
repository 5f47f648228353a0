"""What commands print: nothing that is printed can give orders to the terminal."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from advvid.escaping import visible


class Terminal(Console):
    """A console that shows control characters instead of obeying them; 80 columns in a pipe.

    Colors and the movements of a progress bar are rich's own, not part of a text.

    Args:
        stderr: print to stderr.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, and spell what a terminal would obey in the texts."""
        for segment in super().render(renderable, options):
            if segment.control is None and not segment.text.isprintable():
                spelled = "\n".join(map(visible, segment.text.split("\n")))
                yield Segment(spelled, segment.style)
            else:
                yield segment

    def lines(self, texts: Iterable[object]) -> None:
        """Print each text as one line, however wide and whatever it holds."""
        for text in texts:
            self.print(visible(text), soft_wrap=True)


def say(*texts: object, stderr: bool = False) -> None:
    """Print each text as one line, however wide and whatever it holds."""
    Terminal(stderr=stderr).lines(texts)
