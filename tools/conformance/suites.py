"""All suites: service -> case.Suite."""

from . import (chat_cases, chat_udp_cases, compute_cases, echo_cases, file_cases, file_unframed_cases, http_cases,
               http_connection_cases, http_file_cases, message_cases, relay_cases, tftp_cases, wait_cases)

# The cases of http are in three files, which fill one suite.
assert http_cases.SUITE is http_connection_cases.SUITE is http_file_cases.SUITE

ALL = {module.SUITE.service: module.SUITE for module in (
    echo_cases, message_cases, compute_cases, wait_cases, relay_cases, file_cases, file_unframed_cases, http_cases, chat_cases,
    chat_udp_cases, tftp_cases)}
