"""Tables of texts: every cell is written, wrong ones are hatched and told, what does not fit is left out and said."""

from __future__ import annotations

import pytest
from matplotlib.patches import Rectangle

from lift_core.errors import ShapeError
from lift_core.viz.text_table import text_table

ROWS = {"clip 0": ["training", "nowhere"], "clip 1": ["held out"]}


def written(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def hatched(figure) -> list[Rectangle]:
    return [patch for patch in figure.axes[0].patches if patch.get_hatch()]


def test_every_text_is_written_and_wrong_cells_are_hatched_and_told():
    figure, sentence = text_table(ROWS, ["variant 0", "variant 1"], {(0, 1)}, title="Where files are")
    assert sorted(written(figure)) == sorted(
        ["Where files are", "variant 0", "variant 1", "clip 0", "training", "nowhere", "clip 1", "held out"]
    )
    (cell,) = hatched(figure)
    text = next(text for text in figure.axes[0].texts if text.get_text() == "nowhere")
    assert cell.get_x() < text.get_position()[0] < cell.get_x() + cell.get_width()
    assert cell.get_y() < text.get_position()[1] < cell.get_y() + cell.get_height()
    assert sentence == "Where files are. Hatched: clip 0, variant 1: nowhere."


def test_columns_that_do_not_fit_are_left_out_and_counted():
    figure, sentence = text_table({"class 0": ["1"] * 60}, [str(k) for k in range(60)], {(0, 59)}, title="How often")
    assert figure.get_figwidth() <= 10.1
    assert "of 60 columns" in written(figure)[0]
    assert "59" not in written(figure)
    assert hatched(figure) == []
    assert "Hatched: no cell" in sentence


def test_a_sentence_names_a_few_cells_and_counts_the_rest():
    wrong = {(row, 0) for row in range(11)}
    _, sentence = text_table({f"row {k}": ["no"] for k in range(11)}, ["answer"], wrong, title="All wrong")
    assert "row 7, answer: no" in sentence
    assert "row 8" not in sentence
    assert "3 more" in sentence


@pytest.mark.parametrize(("rows", "columns"), [({}, ["a"]), ({"a": []}, [])])
def test_a_table_without_cells_is_refused(rows, columns):
    with pytest.raises(ShapeError):
        text_table(rows, columns, set(), title="Nothing")
