"""The Hetzner Cloud API on this machine: stateful, asynchronous and as unpleasant as the real one.

``HetznerServer`` starts it; ``HCLOUD_ENDPOINT`` and ``hcloud:endpoint`` take its ``endpoint``, ``HCLOUD_TOKEN`` and
``hcloud:token`` its ``credentials.token``. What can't be had from the real one is below ``/_control``, with
``credentials.control_token`` as the bearer token:

- ``POST /_control/faults`` with ``{"kind": "sold_out", "server_type": "cpx22", "location": "fsn1"}``, or kind
  ``failing_action``, ``slow_action``, ``failing_request``, ``cut_connection`` (fields: ``local.hetzner.faults``); each
  takes ``times``, or ``probability`` with ``seed``. ``GET`` lists them with their counts, ``DELETE`` lifts them.
- ``PUT /_control/clock`` with ``frozen``, ``advance`` (s) and ``speed`` (of actions).
- ``POST /_control/projects`` makes a project and answers with its token; ``PUT /_control/projects/{name}`` sets its
  limits and what is left of its requests, ``GET`` counts them.
- ``GET /_control/leftovers?project=`` lists every object, ``POST /_control/reset`` deletes them.

Where the vendor's OpenAPI and its newer changelog differ, the changelog counts: no ``datacenter``, Primary IPs of load
balancers, ``unassigned`` ones, deletion of load balancers as an action. Servers have no metrics and no console.
"""
