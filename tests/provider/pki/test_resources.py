"""The PKI resources, driven as the engine drives them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provider.pki.authority import CertificateAuthority
from provider.pki.client_certificate import ClientCertificate
from provider.plugin import UNKNOWN, Context, Resource, Secret, State, contains_unknown, reveal
from tests.plugins.rpc import Plugin, Refused, foundation
from tests.provider.recorded import Recorded

AUTHORITY = "foundation:pki:CertificateAuthority"
CLIENT = "foundation:pki:ClientCertificate"
KEY = "foundation:pki:PrivateKey"


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with foundation() as running:
        running.configure({})
        yield running


@pytest.fixture(scope="module")
def authority(plugin: Plugin) -> dict[str, Any]:
    return plugin.make(AUTHORITY, {"commonName": "alpha client"}).outputs


def client(authority: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "authorityCertificatePem": authority["certificatePem"],
        "authorityPrivateKeyPem": authority["privateKeyPem"],
        "commonName": "admin",
        "organizations": ["system:masters"],
        **more,
    }


def context(warnings: list[str] | None = None) -> Context[Any]:
    def warn(text: str) -> None:
        if warnings is not None:
            warnings.append(text)

    resource = Resource("urn:pulumi:local::p::t::n", "t", "n", "local", "p")
    return Context(resource, None, threading.Event(), log=lambda _: None, warn=warn)


def test_an_authority_stays_until_it_is_rotated(plugin: Plugin) -> None:
    recorded = Recorded(plugin, AUTHORITY)
    inputs = {"commonName": "alpha server"}
    assert recorded.up(inputs) == "create"
    assert recorded.made is not None
    first = recorded.made.outputs
    assert isinstance(first["privateKeyPem"], Secret)
    assert first["validityYears"] == 10
    assert recorded.up(inputs) == "same"
    assert recorded.up(inputs, refresh=True) == "same"
    assert recorded.up({**inputs, "generation": 2}) == "replace"
    assert recorded.made.outputs["certificatePem"] != first["certificatePem"]
    assert recorded.up({**inputs, "generation": 2, "validityYears": 5}) == "replace"
    recorded.destroy()


def test_previews_know_nothing_of_certificates_and_make_none(plugin: Plugin, authority: dict[str, Any]) -> None:
    shown = plugin.preview(AUTHORITY, {"commonName": "alpha server"})
    assert shown["certificatePem"] is UNKNOWN
    assert shown["privateKeyPem"] == Secret(UNKNOWN)
    shown = plugin.preview(CLIENT, client(authority, authorityPrivateKeyPem=UNKNOWN))
    assert contains_unknown(shown["privateKeyPem"])


def test_a_client_certificate_is_issued_anew_in_place(plugin: Plugin, authority: dict[str, Any]) -> None:
    recorded = Recorded(plugin, CLIENT)
    assert recorded.up(client(authority)) == "create"
    assert recorded.made is not None
    first = recorded.made.outputs
    assert isinstance(first["privateKeyPem"], Secret)
    assert isinstance(first["authorityPrivateKeyPem"], Secret)
    assert recorded.up(client(authority)) == "same"
    assert recorded.up(client(authority, organizations=["ops"])) == "update"
    assert reveal(recorded.made.outputs["privateKeyPem"]) != reveal(first["privateKeyPem"])
    other = plugin.make(AUTHORITY, {"commonName": "alpha client"}).outputs
    assert recorded.up(client(other, organizations=["ops"])) == "update"


@pytest.mark.parametrize(("elapsed", "renewed"), [(0.0, False), (0.66, False), (0.67, True), (1.5, True)])
def test_a_client_certificate_is_renewed_with_a_third_of_its_life_left(
    authority: dict[str, Any], elapsed: float, renewed: bool
) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    life = timedelta(days=365)
    inputs = client(authority, validityDays=365)
    made = ClientCertificate(lambda: start).create(context(), inputs)
    later = ClientCertificate(lambda: start + life * elapsed)
    difference = later.diff(context(), made, inputs, [])
    assert bool(difference.detailed) == renewed
    assert not difference.replaces
    if renewed:
        shown = later.preview_update(context(), made, inputs)
        assert contains_unknown(shown["certificatePem"])
        after = State(made.id, inputs, later.update(context(), made, inputs))
        assert not later.diff(context(), after, inputs, []).detailed


def test_an_authority_warns_in_its_last_year() -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    inputs = {"commonName": "alpha", "validityYears": 10, "generation": 1}
    made = CertificateAuthority(lambda: start).create(context(), inputs)
    for years, expected in ((8.9, 0), (9.1, 1)):
        warnings: list[str] = []
        later = CertificateAuthority(lambda years=years: start + timedelta(days=365 * years))  # type: ignore[misc]
        assert not later.diff(context(warnings), made, inputs, []).detailed
        assert len(warnings) == expected
        assert all("raising its generation" in warning for warning in warnings)


def test_keys_are_secret_and_stay(plugin: Plugin) -> None:
    recorded = Recorded(plugin, KEY)
    assert recorded.up({"algorithm": "RSA"}) == "create"
    assert recorded.made is not None
    assert isinstance(recorded.made.outputs["privateKeyPem"], Secret)
    assert recorded.up({"algorithm": "RSA"}) == "same"
    assert recorded.up({"algorithm": "RSA", "generation": 2}) == "replace"


@pytest.mark.parametrize(
    ("kind", "inputs", "wrong"),
    [
        (AUTHORITY, {}, "commonName"),
        (AUTHORITY, {"commonName": "x" * 65}, "commonName"),
        (AUTHORITY, {"commonName": "a", "validityYears": 31}, "validityYears"),
        (AUTHORITY, {"commonName": "a", "validityYears": True}, "validityYears"),
        (AUTHORITY, {"commonName": "a", "generation": 0}, "generation"),
        (CLIENT, {"commonName": "a"}, "authorityCertificatePem"),
        (CLIENT, {"commonName": "a"}, "authorityPrivateKeyPem"),
        (CLIENT, {"organizations": "system:masters"}, "organizations"),
        (CLIENT, {"validityDays": 0}, "validityDays"),
        (KEY, {"algorithm": "DSA"}, "algorithm"),
    ],
)
def test_wrong_inputs_are_named(plugin: Plugin, kind: str, inputs: dict[str, Any], wrong: str) -> None:
    assert wrong in plugin.check(kind, inputs).failures


def test_a_key_of_another_authority_is_refused_without_showing_it(plugin: Plugin, authority: dict[str, Any]) -> None:
    other = plugin.make(AUTHORITY, {"commonName": "other"}).outputs
    inputs = client(authority, authorityPrivateKeyPem=other["privateKeyPem"])
    with pytest.raises(Refused, match="isn't the one of its certificate") as refused:
        plugin.make(CLIENT, inputs)
    assert "BEGIN" not in str(refused.value)
