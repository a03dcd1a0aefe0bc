"""The numbers of the benchmark are those that wrk told, or there are none."""

from __future__ import annotations

import pytest

from benchmarks.bench import check_sizes, options
from benchmarks.figures import middle, ratio, row, times_as_fast
from benchmarks.load import BenchmarkError, Measured, read, wrk

OUTPUT = """\
Running 2s test @ http://127.0.0.1:3001/health/detailed
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.41ms  801.00us  14.72ms   91.55%
    Req/Sec     1.82k    98.01     1.95k    85.00%
  Latency Distribution
     50%    4.25ms
     75%    4.55ms
     90%    4.99ms
     99%    {p99}
  3627 requests in 2.00s, 55.10MB read
{wrong}Requests/sec:   1811.53
Transfer/sec:     27.52MB
"""


@pytest.mark.parametrize(
    ("told", "milliseconds"), [("850.00us", 0.85), ("7.92ms", 7.92), ("1.25s", 1250.0), ("1.00m", 60_000.0)]
)
def test_rate_and_p99_are_read_in_every_unit(told: str, milliseconds: float) -> None:
    measured = read(OUTPUT.format(p99=told, wrong=""))
    assert measured.rate == 1811.53
    assert measured.p99 == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "wrong",
    [
        "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        "  Non-2xx or 3xx responses: 3627\n",
    ],
)
def test_failed_requests_give_no_number(wrong: str) -> None:
    with pytest.raises(BenchmarkError, match="failed"):
        read(OUTPUT.format(p99="7.92ms", wrong=wrong))


@pytest.mark.parametrize("output", ["", "unable to connect", "Requests/sec:   12.00\n"])
def test_missing_numbers_are_not_made_up(output: str) -> None:
    with pytest.raises(BenchmarkError, match="no rate"):
        read(output)


def test_a_missing_load_generator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchmarkError, match="install the package wrk"):
        wrk()


def test_medians_are_taken_of_each_number_alone() -> None:
    assert middle([Measured(100, 9), Measured(300, 1), Measured(200, 5)]) == Measured(200, 5)


def test_ratios_compare_what_was_measured_in_the_same_round() -> None:
    # The machine was three times slower in the second round, for both.
    assert times_as_fast([Measured(300, 1), Measured(100, 1)], [Measured(100, 1), Measured(33, 1)]) == (
        pytest.approx(3.0, rel=0.02)
    )


def test_a_ratio_is_shown_with_what_it_compares() -> None:
    assert ratio("a / b", [Measured(300, 1)], [Measured(200, 1)]).split() == ["a", "/", "b", "1.50"]


def test_a_row_shows_both_numbers() -> None:
    assert row("fake instance", "/health", Measured(1811.53, 7.918), 15400).split() == [
        *("fake", "instance", "/health", "1,812", "7.92", "15,400")
    ]


def test_bodies_of_another_size_are_not_compared() -> None:
    check_sizes([15_000, 15_001, 14_990])
    with pytest.raises(BenchmarkError, match="15200"):
        check_sizes([15_000, 15_200])
    with pytest.raises(BenchmarkError, match="13000"):
        check_sizes([13_000, 13_000])


def test_a_run_can_be_shortened() -> None:
    assert options(["--seconds", "1"]).seconds == 1
    with pytest.raises(SystemExit):
        options(["--seconds", "0"])
