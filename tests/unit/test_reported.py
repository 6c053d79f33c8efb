"""What users reported of `opskit journal` and `opskit yum`: each situation, and the tests of its right value.

A reader finds them here, and a test that is renamed or goes is missed.
"""

from __future__ import annotations

import re

import pytest

from checkout import ROOT

CLI, UNIT, GOLDEN, HOST, VM = (f"tests/{layer}" for layer in ("cli", "unit", "golden", "host", "vm"))
JOURNAL = {
    "one damaged entry hides what is behind it": [f"{CLI}/journal/test_damage.py::test_one_damaged_object"],
    "sealed files, and those of a newer systemd, are called damaged; a file left ONLINE is not checked": [
        f"{CLI}/journal/test_vacuum.py::test_verify_tells_sealed_newer_and_never_closed_from_damaged"
    ],
    "containers push out the host, and each frame of a stack trace is a group": [
        f"{UNIT}/journal/test_errors_traces.py::test_a_container_has_its_name",
        f"{UNIT}/journal/test_errors_traces.py::test_a_stack_trace_is_one_message",
    ],
    "the first 20 go by number only": [
        f"{UNIT}/journal/test_errors_traces.py::test_what_is_severe_comes_first_then_the_host_then_what_began_lately"
    ],
    "fd0, sr0, a loop device or a refused DISCARD is a failing disk; ext4, xfs, md, dm, lockups are not found": [
        f"{GOLDEN}/journal/test_kernel.py::test_every_message",
        f"{GOLDEN}/journal/test_kernel.py::test_selinux",
    ],
    "a failed unit without its cause": [
        f"{CLI}/journal/test_errors_failures.py::test_a_unit_that_failed_has_its_last_lines_whatever_their_priority",
        f"{VM}/journal/test_errors.py::test_a_unit_of_each_kind_has_its_cause_and_its_last_lines",
        f"{UNIT}/journal/test_errors_failures.py::test_units_whose_last_lines_are_not_looked_up_are_named",
    ],
    "of several --unit the last one counts, of -D too": [
        f"{CLI}/journal/test_errors.py::test_what_is_selected",
        f"{CLI}/journal/test_errors.py::test_bad_words",
    ],
    "500M is 500 months": [f"{CLI}/journal/test_vacuum.py::test_what_is_no_limit_is_refused_and_nothing_runs"],
    "old active files stay, without a remedy": [f"{UNIT}/journal/test_vacuum_plan.py::*active-keep-old"],
    "times are UTC": [f"{UNIT}/journal/test_errors_read.py::test_a_person_reads_the_time_of_the_host"],
    "RFC 3339 is refused, --boot -1 is not possible": [
        f"{UNIT}/journal/test_errors_read.py::test_times",
        f"{CLI}/journal/test_errors.py::test_the_boot_before_this_one",
    ],
    "Storage=volatile and none, a limit that retain drops, settings in a wrong section": [
        f"{UNIT}/journal/test_conf.py::test_where_the_journal_is_kept",
        f"{UNIT}/journal/test_conf.py::test_a_limit_that_goes_is_named",
        f"{UNIT}/journal/test_conf.py::test_settings_that_journald_passes_over",
    ],
    "exit and HTTP statuses merge": [f"{UNIT}/journal/test_errors_traces.py::test_numbers_that_count_stay_apart"],
    "a message of 200 KB is one line": [
        f"{CLI}/journal/test_errors_odd.py::test_a_message_of_200_kb_is_shown_by_its_beginning"
    ],
    "a clock that went back hides entries": [
        f"{CLI}/journal/test_errors_odd.py::test_a_clock_that_went_back_hides_nothing_and_is_no_damage"
    ],
    "held: the preview is what journalctl does, 219 to 257": [
        f"{CLI}/journal/test_vacuum_as_journalctl.py::test_the_prediction_is_what_journalctl_does",
        f"{GOLDEN}/journal/test_vacuum.py::test_what_went_is_what_is_predicted",
    ],
    "units with LogNamespace= are not mentioned": [
        f"{UNIT}/journal/test_errors_groups.py::test_that_namespaces_have_journals_of_their_own_is_told"
    ],
    "names of units are masked; a restart of journald is not shown": [
        f"{UNIT}/journal/test_errors_failures.py::test_the_path_that_a_unit_is_named_after",
        f"{UNIT}/journal/test_steps.py::test_a_restart_of_journald_is_shown_with_what_it_deletes",
    ],
    "one file that a user may not read refuses all": [
        f"{CLI}/journal/test_errors.py::test_what_may_be_read_is_read_and_the_rest_is_named"
    ],
    "text that was changed in place": [f"{CLI}/journal/test_errors.py::test_text_that_was_changed_in_place"],
}
YUM = {
    "locks of microdnf": [f"{GOLDEN}/yum/locks/microdnf-transaction.json::transaction"],
    "cachedir and persistdir move the locks": [
        f"{HOST}/yum/test_yum.py::test_the_locks_are_where_the_configuration_puts_them"
    ],
    "a daemon of a scriptlet is a broken transaction; a real orphan is not waited for": [
        f"{HOST}/yum/test_yum.py::test_what_a_scriptlet_leaves_running_is_no_broken_transaction",
        f"{GOLDEN}/yum/locks/orphan.json::orphan",
    ],
    "a lock that names pid 1 or a kernel thread": [
        f"{HOST}/yum/test_yum.py::test_the_pid_of_init",
        f"{GOLDEN}/yum/locks/whole-kernel-thread.json::pid",
    ],
    "locks of dnf5 5.0 to 5.4, the prompt is no transaction": [
        f"{GOLDEN}/yum/locks/dnf5-both-locks.json::dnf5",
        f"{GOLDEN}/yum/locks/dnf5-prompt.json::dnf5",
    ],
    "Berkeley DB that a killed rpm left": [
        f"{HOST}/yum/test_database.py::test_what_a_killed_process_left_is_what_the_library_finds",
        f"{HOST}/yum/test_database.py::test_it_is_copied_rebuilt_and_usable",
    ],
    "yum.pid with 0 or -5": [
        f"{UNIT}/yum/test_yum.py::test_a_pid_is_read_as_its_tool_reads_it",
        f"{UNIT}/yum/test_yum.py::test_a_negative_pid_is_that_of_a_group",
    ],
    "a clock that was stepped": [
        f"{HOST}/yum/test_yum.py::test_a_script_that_locks_through_the_api_holds_whatever_the_clock_says"
    ],
    "wait --timeout 1h30m; all free is a paragraph": [
        f"{HOST}/yum/test_yum.py::*1h30m",
        f"{GOLDEN}/yum/test_locks.py::test_when_all_is_free_it_is_told_in_one_line",
    ],
    "the words that people search for": [
        f"{UNIT}/yum/test_yum.py::test_what_people_search_for_is_in_the_readme_the_manual_page_and_the_help"
    ],
    "a holder that is a service's": [
        f"{VM}/yum/test_yum.py::test_a_holder_that_is_a_unit_is_named_by_it",
        f"{GOLDEN}/yum/test_locks.py::test_the_service_of_a_timer_is_kept_away_by_the_line_of_the_timer",
    ],
    "a hold in force is advised again, and does not say until when": [
        f"{UNIT}/yum/test_yum.py::test_a_hold_in_force_is_told_and_not_advised_again",
        f"{UNIT}/yum/test_yum.py::test_a_person_is_shown_the_time_of_the_host",
        f"{VM}/test_reboot.py::*held_until",
    ],
}


@pytest.mark.parametrize("situation", [*JOURNAL, *YUM])
def test_it_has_its_tests(situation: str) -> None:
    for place in {**JOURNAL, **YUM}[situation]:
        path, _, name = place.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        pattern = rf"^def {name}\(" if name.startswith("test_") else re.escape(name.lstrip("*"))
        assert re.search(pattern, text, re.MULTILINE), place
