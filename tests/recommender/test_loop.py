"""The closed loop on a small city: the place for what is new shows all of it, and the floor shows every provider."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recommender.evaluation import acceptance, files, loop

TINY = Path(__file__).parents[1] / "data/recommender/city_tiny"


@pytest.fixture(scope="module")
def tiny():
    city = files.read(TINY)
    return city, acceptance.fitted(city)


def test_with_the_slot_new_items_are_seen_and_the_cost_is_what_one_place_can_cost(tiny):
    (_, found), (_, again) = (next(loop.simulate(*tiny, [3], days=10, visits=60)) for _ in range(2))
    assert found == again
    plain, ranked, slot = (found[way.name] for way in loop.WAYS)
    assert slot.unseen <= 0.01 < plain.unseen
    assert slot.unseen < ranked.unseen
    assert ranked.short <= plain.short
    # Half of the visits, one place of five that counts 1/(1 + 4·0.18).
    most = 0.5 / (1 + 4 * loop.STEEPNESS) / sum(1 / (1 + place * loop.STEEPNESS) for place in range(5))
    assert 1 - slot.clicks / ranked.clicks < 1.5 * most


def test_worlds_differ_by_seed_and_a_mean_has_its_error(tiny):
    outcomes = [one for _, one in loop.simulate(*tiny, [1, 2], days=2, visits=20)]
    assert outcomes[0] != outcomes[1]
    assert loop.mean([1.0, 3.0]) == (2.0, 1.0)


def test_the_command_prints_both_tables(capsys):
    call_command("simulate_ranking", str(TINY), "--seeds", "1", "--days", "2", "--visits", "5")
    told = capsys.readouterr().out
    for name in ("plain", "caps", "calibration", "floor", "all", *(way.name for way in loop.WAYS)):
        assert f"| {name} |" in told
    assert "% clicks" in told
    assert "nan" not in told


def test_the_command_says_what_is_wrong(tmp_path):
    with pytest.raises(CommandError, match="residents"):
        call_command("simulate_ranking", str(tmp_path))
    with pytest.raises(CommandError, match="--seeds"):
        call_command("simulate_ranking", str(TINY), "--seeds", "0")
