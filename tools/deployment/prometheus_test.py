"""The configuration of Prometheus, its alerts, and the dashboard of Grafana: what promtool says, and a Prometheus that has them and asks
real servers.

Grafana is not in Debian, so nothing here shows the dashboard. Each of its queries is put to Prometheus, as Grafana would.
"""

import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from balancing import stand
from deployment import prometheus

_TOP = os.path.abspath("..")  # The test begins in tools/.
_FOLDER = os.path.join(_TOP, "deploy", "prometheus")
_DASHBOARD = os.path.join(_TOP, "deploy", "grafana", "polyserve.json")
_VARIABLES = {"$job": "polyserve", "$instance": ".+", "$__rate_interval": "1m"}
_WIDTH = 24  # Columns of a dashboard.
_MODELS = {"a": "staged", "b": "prefork", "c": "epoll"}


def load(name):
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def alerts():
    return load("alerts.yml")["groups"][0]["rules"]


def dashboard():
    with open(_DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def queries():
    """(title, expression) of each, with values for its variables."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, value in _VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


class FilesTest(unittest.TestCase):
    """What can be said without a server."""

    def promtool(self, *arguments):
        done = subprocess.run([stand.needed("promtool"), *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_promtool_finds_no_fault(self):
        self.promtool("check", "config", os.path.join(_FOLDER, "prometheus.yml"))
        self.promtool("check", "rules", os.path.join(_FOLDER, "alerts.yml"))

    def test_alerts_fire_when_they_should(self):
        self.promtool("test", "rules", os.path.join(_FOLDER, "alerts_test.yml"))

    def test_each_alert_is_tried_at_a_moment_when_it_fires_and_at_one_when_it_does_not(self):
        moments = [moment for test in load("alerts_test.yml")["tests"] for moment in test["alert_rule_test"]]
        names = {alert["alert"] for alert in alerts()}
        self.assertEqual({moment["alertname"] for moment in moments if moment.get("exp_alerts")}, names)
        self.assertEqual({moment["alertname"] for moment in moments if not moment.get("exp_alerts")}, names)

    def test_panels_lie_side_by_side(self):
        taken = set()
        for panel in dashboard()["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], _WIDTH, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells

    def test_panels_and_queries_have_names_of_their_own(self):
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            letters = [target["refId"] for target in panel.get("targets", ())]
            self.assertEqual(len(set(letters)), len(letters), panel["title"])

    def test_variables_are_those_that_there_are(self):
        text = json.dumps([panel for panel in dashboard()["panels"]])
        names = {variable["name"] for variable in dashboard()["templating"]["list"]}
        self.assertEqual(set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}, names)


class ScrapeTest(unittest.TestCase):
    """With three servers."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        # The quota and the stages have figures of their own. The notice is as long as the test likes: a second signal ends it.
        cls.servers = {name: stand.Server(os.path.join(_TOP, "server"), model, os.path.join(cls.folder, name),
                                          ["--library_quota=1000000", "--stop_notice=1h"]) for name, model in _MODELS.items()}
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
            server.start()
        cls.targets = {name: f"{stand.BALANCER}:{server.ports['http']}" for name, server in cls.servers.items()}
        cls.prometheus = prometheus.Prometheus(_FOLDER, cls.folder, list(cls.targets.values()))
        cls.addClassCleanup(cls.prometheus.close)

    def await_up(self, names):
        """Prometheus has these, and no other ones."""
        expected = {self.targets[name]: float(name in names) for name in _MODELS}
        self.assertTrue(self.prometheus.await_vector('up{job="polyserve"}', lambda found: {
            labels["instance"]: value for labels, value in found} == expected), self.prometheus.log())

    def await_alerts(self, expected):
        """These fire of those that a busy machine does not set off: {(alert, server)}."""
        wanted = {(alert, self.targets[name]) for alert, name in expected}
        firing = 'ALERTS{alertstate="firing", alertname=~"PolyserveDown|PolyserveNotReady"}'
        self.assertTrue(self.prometheus.await_vector(firing, lambda found: {
            (labels["alertname"], labels["instance"]) for labels, _ in found} == wanted), self.prometheus.query("ALERTS"))

    def test_every_server_is_asked(self):
        self.await_up(_MODELS)
        self.assertTrue(self.prometheus.await_vector("polyserve_info", lambda found: {
            labels["model"] for labels, _ in found} == set(_MODELS.values())))

    def test_every_figure_that_an_alert_asks_for_is_there(self):
        names = {alert["alert"]: set(re.findall(r"\b(?:polyserve|scrape)_\w+", alert["expr"])) for alert in alerts()}
        missing = {}

        def are_known(found):
            known = {labels["__name__"] for labels, _ in found}
            missing.clear()
            missing.update({alert: wanted - known for alert, wanted in names.items() if wanted - known})
            return not missing
        # A scrape that takes too long on a busy machine takes all figures of its server away until the next one.
        self.assertTrue(self.prometheus.await_vector('{__name__=~".+"}', are_known), missing)

    def test_every_label_that_an_alert_asks_for_is_there(self):
        for alert in alerts():
            for name, label, values in re.findall(r'(polyserve_\w+)\{(\w+)[=!]~?"([^"]+)"\}', alert["expr"]):
                for value in values.split("|"):
                    self.assertTrue(self.prometheus.await_vector(f'{name}{{{label}="{value}"}}', bool), f"{alert['alert']}: {value}")

    def test_every_query_of_the_dashboard_has_data(self):
        for server in self.servers.values():
            self.assertTrue(stand.get(server.ports["http"], "/hello").endswith(b"hello, world"))
            self.assertTrue(stand.get(server.ports["http"], "/missing").startswith(b"HTTP/1.1 404 "))
        for title, expression in queries():
            self.assertTrue(self.prometheus.await_vector(expression, lambda found: any(not math.isnan(value) for _, value in found)),
                            f"{title}: {expression}")

    def test_errors_of_clients_are_in_the_dashboard(self):
        expression, = [expression for title, expression in queries() if title == "Share of errors by service"]

        def has_share(found):
            # Requests between two scrapes are a part of both, so asks until some were.
            stand.get(self.servers["c"].ports["http"], "/missing")
            return any(labels["service"] == "http" and 0 < value <= 1 for labels, value in found)
        self.assertTrue(self.prometheus.await_vector(expression, has_share))

    def test_an_alert_fires_for_a_server_that_is_killed_and_for_no_other(self):
        self.await_up(_MODELS)
        self.servers["c"].close()
        self.await_up({"a", "b"})
        self.await_alerts({("PolyserveDown", "c")})
        self.servers["c"].start()
        self.await_up(_MODELS)
        self.await_alerts(set())

    def test_an_alert_fires_for_a_server_that_was_told_to_stop_and_goes_on(self):
        self.await_up(_MODELS)
        self.servers["b"].signal()
        self.await_alerts({("PolyserveNotReady", "b")})
        self.servers["b"].signal()
        self.assertEqual(self.servers["b"].await_end(), 0)
        self.servers["b"].start()
        self.await_alerts(set())


if __name__ == "__main__":
    unittest.main()
