"""A run's course in three figures, from whatever its curve tells."""

import pytest

from charlm.runs.course import RunSummary


@pytest.mark.parametrize(
    ("records", "course"),
    [
        ([], RunSummary(None, None, None)),
        ([{"step": 0, "seconds": 0.5, "val_nats_per_char": None}], RunSummary(0, 0.5, None)),
        (
            [
                {"step": 0, "seconds": 0.5, "val_nats_per_char": 3.0},
                {"step": 4, "seconds": 1.5, "val_nats_per_char": 2.0},
                {"step": 8, "seconds": 2.5, "val_nats_per_char": 2.5},
                {"step": 9, "seconds": 2.75, "val_nats_per_char": None},
            ],
            RunSummary(9, 2.75, 2.0),
        ),
        ([{"loss": 1.0}], RunSummary(None, None, None)),
    ],
)
def test_the_course_ends_with_the_last_record_and_keeps_the_lowest_cost(tmp_path, make_run, records, course):
    run = make_run(tmp_path)
    for record in records:
        run.append_metrics(record)
    assert run.read_course() == course
