"""The addresses of the patient's and the staff's pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
