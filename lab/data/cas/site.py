"""A Django site of one file that knows people by django-cas-ng."""

import json
import sys

from django.conf import settings

settings.configure(
    DEBUG=True,
    SECRET_KEY="labo",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django_cas_ng",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["django_cas_ng.backends.CASBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.sqlite"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    LOGIN_URL="/comptes/login",
    CAS_SERVER_URL="https://portail.college.exemple/cas/",
    CAS_VERSION="3",
    CAS_VERIFY_SSL_CERTIFICATE="/run/preau-lab/authority/authority.pem",
)

import django  # noqa: E402

django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django_cas_ng import views  # noqa: E402


@login_required
def home(request):
    attributes = request.session.get("attributes", {})
    text = json.dumps(attributes, ensure_ascii=False)
    return HttpResponse(f"django:{request.user.username}\n{text}\n", content_type="text/plain; charset=utf-8")


urlpatterns = [
    path("", home),
    path("comptes/login", views.LoginView.as_view(), name="cas_ng_login"),
    path("comptes/logout", views.LogoutView.as_view(), name="cas_ng_logout"),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
