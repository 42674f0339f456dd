"""The addresses of what was sent."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
