"""/health/live touches nothing; /health/ready says in JSON what is there."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client, RequestFactory

from identity.keycloak import sync
from portal.web import health


def get(path):
    return Client(HTTP_HOST=urlsplit(settings.PORTAL_URL).netloc).get(path)


def test_live_needs_no_database():
    response = get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_ready_names_each_check():
    response = get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "migrations": "ok", "registry": "ok"}
    assert response.json()["id_provider"] in {"embedded", "keycloak"}


def test_ready_is_refused_when_the_database_is_away(monkeypatch):
    def away() -> str:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(health, "_database", away)
    response = health.ready(RequestFactory().get("/health/ready"))
    assert response.status_code == 503
    assert b'"database": "unavailable"' in response.content
    assert b'"migrations": "not checked"' in response.content


@pytest.mark.django_db
def test_ready_is_refused_while_a_migration_is_missing(monkeypatch):
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder(connection).migration_qs.filter(app="identity").delete()
    monkeypatch.setattr(health, "_migrated", False)
    response = health.ready(RequestFactory().get("/health/ready"))
    assert (response.status_code, b'"migrations": "not applied"' in response.content) == (503, True)


@pytest.fixture
def keycloak(settings):
    settings.ID_PROVIDER = "keycloak"
    cache.clear()
    yield
    cache.clear()


@pytest.mark.django_db
def test_ready_says_that_the_realm_was_not_looked_at_yet(keycloak):
    response = get("/health/ready")
    assert (response.status_code, response.json()["keycloak"]) == (200, "not checked")


@pytest.mark.django_db
def test_a_realm_that_drifted_is_told_and_serves_nobody_worse(keycloak):
    found = {"drift": ["realm.accessTokenLifespan"], "checked_at": "2026-10-05T00:00:00+00:00"}
    cache.set(sync.CACHE_KEY, found)
    response = get("/health/ready")
    assert (response.status_code, response.json()["keycloak"]) == (200, found)


@pytest.mark.django_db
def test_the_embedded_id_has_no_realm_to_drift(settings):
    settings.ID_PROVIDER = "embedded"
    sync.check_drift()
    assert "keycloak" not in get("/health/ready").json()
    assert sync.last_check() is None
