"""How activities come in: poller and webhooks fill the inbox, the intake works it off.

The only place that speaks both the connectors' contract and the schema. The worker process runs
`run_ingestion`; the API process serves `webhooks`, and neither ever imports plugin code.
"""

from server.ingestion.worker import collect_seldom, run_ingestion

__all__ = ["collect_seldom", "run_ingestion"]
