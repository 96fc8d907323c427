"""Filters for what a manifest declares about data; the words are those of every other page about a gadget."""

from django import template

from gadgets import words

register = template.Library()
register.filter("retention_text", words.retention)
