"""CSV files: Excel reads their Japanese and calculates nothing of what somebody wrote; all come out of one helper."""

import ast
import csv
import io
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import spreadsheets
from tests import cast
from tests.portal.content.pages import publish

ROOT = Path(__file__).resolve().parents[2]
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_calculate_is_text(text: str) -> None:
    assert spreadsheets.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-5, 3.5, "-5", "+81.5", "", "普通の文", 0])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert spreadsheets.cell(value) == value


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=2, max_size=2), max_size=5)
)
def test_no_cell_of_a_file_begins_a_formula(rows: list[list[str]]) -> None:
    text = spreadsheets.csv_response("x", ["a", "b"], rows).content.decode()
    assert text.startswith("\ufeff")
    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
        for cell in row:
            assert not cell.startswith(spreadsheets._FORMULA) or spreadsheets._NUMBER.fullmatch(cell)


@pytest.mark.django_db
def test_the_desks_own_tables_have_a_mark_and_no_formula(now: datetime) -> None:
    publish("news", "one", now=now, title='=HYPERLINK("http://x")')
    editor = cast.sign_in(cast.portal_client(), cast.editor())
    response = editor.get("/admin/reports/aging-pages/?export=csv")
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    assert "'=HYPERLINK" in text
    assert ',"=HYPERLINK' not in text
    assert not text.removeprefix("\ufeff").startswith('"=HYPERLINK')
    assert response["Content-Type"] == "text/csv; charset=utf-8"


def test_nothing_that_is_served_writes_csv_by_itself() -> None:
    """What commands write to a file for a program (rankings) is no file for a spreadsheet."""
    alone = []
    for package in ("portal", "gadgets", "identity", "recommender"):
        for path in (ROOT / package).rglob("*.py"):
            if {"management", "evaluation"} & set(path.parts):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in {"csv.writer", "csv.DictWriter"}:
                    alone.append(str(path.relative_to(ROOT)))
                if isinstance(node, ast.Constant) and str(node.value).startswith("text/csv"):
                    alone.append(str(path.relative_to(ROOT)))
    assert set(alone) <= {"portal/content/editing/desk_tables.py"}
