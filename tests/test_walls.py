"""The outermost wall: headers on every answer, and what never gets in."""

import re

import pytest
from django.conf import settings as real_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse
from django_permissions_policy import PermissionsPolicyMiddleware

from ocrevus_tracker import walls
from ocrevus_tracker.accounts.access import anyone
from ocrevus_tracker.addresses import addresses
from reminders import links
from reminders.models import Reminder
from tests.cast import PASSWORD

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
}
DRESS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
ABSENT = "/no-such-page/"
HTTPS = {"host": "clinic.example.org", "x-forwarded-proto": "https"}


def fails(_request):
    raise KeyError


def leads_away(request):
    return HttpResponse(status=302, headers={"Location": request.GET["to"]})


def may_be_kept(_request):
    return HttpResponse("a", headers={"Cache-Control": "max-age=60"})


def file(_request):
    return HttpResponse("a", headers={"Content-Disposition": 'attachment; filename="a.csv"'})


urlpatterns = [
    path("fails/", anyone("GET")(fails)),
    path("away/", anyone("GET")(leads_away)),
    path("kept/", anyone("GET")(may_be_kept)),
    path("file/", anyone("GET")(file)),
    path("", include("ocrevus_tracker.urls")),
]


@pytest.fixture(autouse=True)
def _as_in_earnest(settings):
    settings.ROOT_URLCONF = __name__
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.ALLOWED_HOSTS = ["clinic.example.org"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False, headers=HTTPS)


def assert_dressed(answer) -> None:
    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert "camera=()" in answer["Permissions-Policy"]
    assert {name: answer.get(name) for name in DRESS} == DRESS
    assert answer["Referrer-Policy"] in {"same-origin", "strict-origin", "no-referrer"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/sign-in/", 200),
        ("/healthz", 200),
        ("/home/", 302),
        ("/sign-in", 301),
        ("/favicon.ico", 302),
        (ABSENT, 404),
        ("/fails/", 500),
        ("/file/", 200),
        ("/mail/stop/forged/", 404),
    ],
)
@pytest.mark.django_db
def test_every_answer_is_dressed_and_kept_by_nobody(client, address, status):
    answer = client.get(address)
    assert answer.status_code == status
    assert_dressed(answer)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_what_is_refused_is_dressed_too(client, rosa):
    assert_dressed(client.delete("/sign-in/"))  # 405
    assert client.delete("/sign-in/").status_code == 405
    strict = Client(enforce_csrf_checks=True, headers=HTTPS)
    forged = strict.post("/sign-in/", {"email": "a@example.org"})
    assert forged.status_code == 403
    assert_dressed(forged)
    elsewhere = client.get("/sign-in/", headers={"host": "evil.test"})
    assert elsewhere.status_code == 400
    assert_dressed(elsewhere)


@pytest.mark.parametrize(
    "middleware",
    [
        "django.contrib.sessions.middleware.SessionMiddleware.process_request",
        "django.middleware.security.SecurityMiddleware.process_request",
        "django.middleware.common.CommonMiddleware.process_request",
        "whitenoise.middleware.WhiteNoiseMiddleware.__call__",
    ],
)
def test_an_error_in_other_middleware_is_dressed(client, monkeypatch, middleware):
    def broken(*_args):
        raise KeyError

    monkeypatch.setattr(middleware, broken)
    answer = client.get("/sign-in/")
    assert answer.status_code == 500
    assert_dressed(answer)


@pytest.mark.django_db
def test_a_file_is_dressed_and_may_be_kept(client, settings):
    settings.WHITENOISE_USE_FINDERS = True
    answer = client.get("/static/css/app.css")
    assert b"".join(answer)
    answer.close()
    assert answer.status_code == 200
    assert_dressed(answer)
    assert "no-store" not in answer["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer


def test_a_view_may_say_that_its_answer_can_be_kept(client):
    assert client.get("/kept/")["Cache-Control"] == "max-age=60"


def test_no_hsts_where_there_is_no_https(client):
    plain = Client(headers={"host": "clinic.example.org"})
    assert "Strict-Transport-Security" not in plain.get("/healthz")


@pytest.mark.django_db
def test_a_page_behind_a_link_tells_its_address_to_nobody(client, ben):
    page = client.get(links.stop_path(Reminder(patient=ben, kind="book-1", recipient="patient")))
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "no-referrer"


@pytest.mark.django_db
def test_other_pages_name_their_origin_so_that_forms_can_be_told_from_forgeries(client):
    assert client.get("/sign-in/")["Referrer-Policy"] == "same-origin"


# -- What never gets in --------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.test", "clinic.example.org.evil.test", "a b", "", "@", "x:y"]
)
def test_a_host_that_is_not_ours_is_refused(client, host):
    answer = client.get("/healthz", headers={"host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content


def test_a_forwarded_host_is_not_believed(client):
    answer = client.get("/home/", headers={"x-forwarded-host": "evil.test"})
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]


@pytest.mark.parametrize("raw", ["http://evil.test/healthz", "*", "evil.test:443"])
def test_an_address_with_a_host_in_it_is_refused(client, raw):
    assert client.get("/healthz", RAW_URI=raw).status_code == 400
    assert client.get("/healthz", RAW_URI="/healthz").status_code == 200
    request = RequestFactory().get("/", headers={"host": "clinic.example.org"})
    request.path_info = raw
    assert walls._refusal(request).status_code == 400


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"QUERY_STRING": "q=%00"}, 400),
        ({"HTTP_COOKIE": 'sessionid="\\000aaaaaaaaaaaaaaaaaaaaaaaa"'}, 400),
        ({"PATH_INFO": "/sign-in/\0"}, 400),
        ({"HTTP_COOKIE": "a=" + "b" * 8000}, 431),
        ({"QUERY_STRING": "q=" + "b" * 4000}, 414),
        ({"CONTENT_LENGTH": str(10 * 1024 * 1024)}, 413),
    ],
)
def test_what_nobody_needs_is_refused_with_a_sentence(client, sent, status):
    answer = client.get("/healthz", **sent)
    assert answer.status_code == status
    assert "We could not read what was sent" in answer.content.decode()
    assert ("too long" in answer.content.decode()) is (status != 400)


@pytest.mark.django_db
def test_too_many_fields_are_refused_with_a_sentence(client):
    many = {f"f{number}": "x" for number in range(300)}
    answer = client.post("/sign-in/", many)
    assert answer.status_code == 400
    assert "We could not read what was sent" in answer.content.decode()


# -- Redirects, and addresses that look like files ------------------------------

ELSEWHERE = [
    "//evil.test",
    "\\\\evil.test",
    "/\\evil.test",
    "https://evil.test/",
    "https:evil.test",
    "http:///evil.test",
    "javascript:alert(1)",
    "https://clinic.example.org@evil.test/",
    "https://clinic.example.org.evil.test/",
]


@pytest.mark.parametrize("to", ELSEWHERE)
def test_a_redirect_to_another_site_is_refused(client, to):
    answer = client.get("/away/", {"to": to})
    assert answer.status_code == 400
    assert "Location" not in answer
    assert_dressed(answer)


@pytest.mark.parametrize("to", ["/home/", "code/", "?page=2", "https://clinic.example.org/home/"])
def test_a_redirect_within_the_site_is_not(client, to):
    assert client.get("/away/", {"to": to}).status_code == 302


@pytest.mark.parametrize("to", ELSEWHERE)
@pytest.mark.django_db
def test_signing_in_leads_to_no_other_site(client, rosa, to):
    answers = {"login": rosa.email, "password": PASSWORD, "next": to}
    answer = client.post(reverse("account_login"), answers)
    assert "evil" not in answer.get("Location", "")
    assert "javascript" not in answer.get("Location", "")


@pytest.mark.parametrize("tail", ["x.css", ";x.css", "%2fx.css", "x.js", "..%2fx.css", "x.png?a"])
@pytest.mark.django_db
def test_no_page_answers_to_the_name_of_a_file(client, rosa, ben, tail):
    """Cache deception: a proxy that keeps `*.css` must never get a page with a name in it."""
    client.force_login(rosa)
    for one in addresses():
        address = "/" + re.sub(r"<int:\w+>", str(ben.pk), one.route)
        address = re.sub(r"<\w+:\w+>", "hbv", address)
        answer = client.get(address + tail)
        assert answer.status_code in {301, 302, 404}, address
        assert ben.family_name not in answer.content.decode(), address
        if "Location" in answer:
            assert answer["Location"].startswith(("/sign-in/", "/static/")), address


def test_the_walls_stand_outside_all_others():
    assert real_settings.MIDDLEWARE[:3] == [
        "csp.middleware.CSPMiddleware",
        "django_permissions_policy.PermissionsPolicyMiddleware",
        "ocrevus_tracker.walls.Walls",
    ]


def test_a_permission_that_browsers_do_not_know_is_named(settings):
    settings.PERMISSIONS_POLICY = {"telepathy": []}
    with pytest.raises(ImproperlyConfigured):
        PermissionsPolicyMiddleware(lambda _request: HttpResponse())


@pytest.mark.django_db
def test_links_in_mails_are_made_of_the_sites_own_address(client, mailoutbox, ben, settings):
    client.post("/sign-in/", {"email": ben.email}, headers={"x-forwarded-host": "evil.test"})
    assert len(mailoutbox) == 1
    assert "evil" not in mailoutbox[0].message().as_string()


@pytest.mark.parametrize(
    "address",
    [
        "/static/",
        "/static/css/",
        "/static/../ocrevus_tracker/settings.py",
        "/static/%2e%2e/manage.py",
        "/.env",
        "/.git/config",
        "/admin/",
        "/var/secret-key",
    ],
)
@pytest.mark.django_db
def test_nothing_but_files_of_ours_is_served(client, settings, address):
    settings.WHITENOISE_USE_FINDERS = True
    assert client.get(address).status_code == 404
    assert client.generic("TRACE", "/healthz").status_code == 405


@pytest.mark.django_db
def test_what_is_refused_leaves_a_line_that_nobody_can_fake(client, caplog):
    client.get("/x%0d%0a2026-11-28 ERROR root All is well%1b[31m")
    client.get("/healthz", headers={"host": "evil.test"})
    lines = [record.getMessage() for record in caplog.records]
    assert "Refused: a host that is not ours" in lines
    assert any("All is well" in line for line in lines)
    assert not any(set(line) & set("\r\n\x1b") for line in lines)
