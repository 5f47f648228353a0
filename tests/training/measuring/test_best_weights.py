import torch
from torch import nn

from advvid.training.measuring.best_weights import BestWeights, holding


def test_the_first_of_equal_scores_is_kept() -> None:
    model, best = nn.Linear(1, 1), BestWeights()
    for epoch, score in enumerate((0.2, 0.5, 0.5, 0.4), start=1):
        with torch.no_grad():
            model.weight.fill_(epoch)
        assert best.offer(model, [score], epoch) is (epoch <= 2)
    assert (best.epoch, best.score, best.waited(4)) == (2, (0.5,), 2)
    assert best.weights["weight"].item() == 2
    other = BestWeights()
    assert other.state_dict() is None
    other.load_state_dict(best.state_dict())
    assert (other.epoch, other.score) == (2, (0.5,))
    assert other.weights["weight"].item() == 2


def test_other_weights_only_inside() -> None:
    model = nn.Linear(1, 1)
    own = model.weight.detach().clone()
    with holding(model, {"weight": torch.full((1, 1), 7.0), "bias": torch.zeros(1)}):
        assert model.weight.item() == 7
    assert torch.equal(model.weight, own)
    with holding(model, {}):
        assert torch.equal(model.weight, own)


def test_equal_under_attack_the_better_without_is_kept() -> None:
    model, best = nn.Linear(1, 1), BestWeights()
    scores = [(0.0, 0.3), (0.0, 0.6), (0.0, 0.5), (0.1, 0.2), (0.1, 0.1)]
    taken = [best.offer(model, score, epoch) for epoch, score in enumerate(scores, start=1)]
    assert taken == [True, True, False, True, False]
