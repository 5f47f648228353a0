"""What `advvid.evaluate` gives: results with the views of them."""

from dataclasses import dataclass
from typing import Any

from advvid.evaluation.result import Results
from advvid.evaluation.views.content import as_csv, as_json
from advvid.evaluation.views.tables import markdown


@dataclass(frozen=True)
class Evaluation(Results):
    """Which clips are classified correctly under which condition; see `Results`."""

    def to_markdown(self) -> str:
        """Give the tables, one for each kind of conditions; see `advvid.evaluation.views`."""
        return markdown(self)

    def to_csv(self) -> str:
        """Give one line for each condition and strength."""
        return as_csv(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything, clip by clip, as JSON can hold it."""
        return as_json(self)
