"""conformance: what tools/conform is made of.

  cli ──▶ runner ──▶ *_cases     what a server has to do, case by case
   │         │          │
   │         └──────────┴──▶ scene, peers, http_wire     clients that note their steps, and bounds on every wait
   ├──▶ asked                   the server that a server of relay asks
   ├──▶ report                  text, JSON and JUnit
   └──▶ proof ──▶ faulty/       tiny servers with one fault each, which the cases must catch
"""
