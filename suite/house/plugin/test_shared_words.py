"""The bench and the ledger never import each other, so the words that both use are held together here."""

from typing import get_args

from fixtures.plugin.collection import REFUSED
from fixtures.statistics.evidence import Verdict
from reports import plugin as reports_plugin
from reports.ledger.record import Verdict as RecordedVerdict


def test_both_plugins_end_a_run_over_the_same_key_of_a_workers_output() -> None:
    assert reports_plugin.REFUSED == REFUSED


def test_a_record_may_have_every_verdict_of_the_bench_and_no_other() -> None:
    assert get_args(RecordedVerdict) == get_args(Verdict)
