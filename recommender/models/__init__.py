"""The tables of the recommender; nobody outside this package reads them."""

from recommender.models.comparing import Experiment
from recommender.models.counting import Count, Share
from recommender.models.editing import PriorChange, Rule
from recommender.models.learning import Batch, Cell, Dismissal, Interaction, Pending, Snapshot
from recommender.models.versions import RankingVersion

__all__ = [
    "Batch",
    "Cell",
    "Count",
    "Dismissal",
    "Experiment",
    "Interaction",
    "Pending",
    "PriorChange",
    "RankingVersion",
    "Rule",
    "Share",
    "Snapshot",
]
