"""A price file of the tests' own, with figures that are easy to reckon with."""

from __future__ import annotations

from components.hetzner.prices import Prices

PRICES = Prices.model_validate(
    {
        "currency": "EUR",
        "vat_percent": "19",
        "hours_per_month": "624",
        "sources": [],
        "date": "2026-06-15",
        "regions": {"eu": ["fsn1", "nbg1"], "us": ["ash"]},
        "server_types": {
            "eu": {"cpx22": "21", "cpx32": "41", "cpx42": "61", "cpx62": "101"},
            "us": {"cpx22": "31"},
        },
        "sizes": {"cpx22": [2, 4], "cpx32": [4, 8], "cpx42": [8, 16], "cpx62": [16, 32]},
        "load_balancer_types": {"lb11": "7"},
        "primary_ipv4": "1",
        "primary_ipv6": "0",
        "volume_per_gb": "0.1",
        "snapshot_per_gb": "0.01",
        "object_storage": {"base": "5", "included_storage_tb": "1", "included_traffic_tb": "1"},
        "backup_percent": "20",
        "traffic": {
            "eu": {"included_tb": "20", "per_tb": "1"},
            "us": {"included_tb": "1", "per_tb": "1"},
        },
        "epochs": {
            "2026-01-01": {"server_types": {"cpx22": "6"}},
            "2026-04-01": {"server_types": {"cpx22": "8"}, "load_balancer_types": {"lb11": "5"}},
        },
        "exchange": {"usd_per_eur": "1.25", "date": "2026-06-16"},
        "business": {
            "model_subscription": "100",
            "tenants_per_subscription": "20",
            "payment_percent": "2",
            "payment_fixed": "0.5",
            "support": "1000",
            "contract_price": "500",
            "mix": {"starter": "70", "pro": "25", "enterprise": "5"},
            "fill_percent": "50",
            "target": {"pro": "25"},
        },
    }
)
